package export

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
)

type textWriter struct {
	out  io.Writer
	zone *time.Location
}

// NewText returns a Writer of lines for people, with times in the zone.
func NewText(w io.Writer, zone *time.Location) Writer { return textWriter{w, zone} }

// addressWidth fits two IPv4 endpoints of common length with the arrow.
const addressWidth = 39

func (w textWriter) Write(e *event.Event, c Context) error {
	comm := "" // of the program: a script's name says more than its interpreter's
	if c.Process != nil {
		comm = shortened(printable.String(c.Process.Program()))
	}
	line := fmt.Sprintf("%-12s  %-14s  %7s  %-*s  %-*s  %s", w.clock(c.Clock.WallTime(e.Time)), e.Kind,
		phrase.PID(e.Proc), nameWidth, comm, addressWidth, addresses(e), detail(e, c))
	_, err := io.WriteString(w.out, strings.TrimRight(line, " ")+"\n")
	return err
}

// nameWidth is that of a name as the kernel keeps it.
const nameWidth = 15

// shortened cuts a longer name, which is mostly that of a script, so that no column moves.
func shortened(name string) string {
	if runes := []rune(name); len(runes) > nameWidth {
		return string(runes[:nameWidth-1]) + "…"
	}
	return name
}

func (w textWriter) clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(w.zone).Format("15:04:05.000")
}

// Addresses returns the ends of an event as a line of text has them.
func Addresses(e *event.Event) string { return addresses(e) }

// Detail returns the end of a line of text: what was unusual, or why a call failed.
func Detail(e *event.Event, c Context) string { return detail(e, c) }

// addresses returns LOCAL → REMOTE, with the arrow in the direction of the SYN.
func addresses(e *event.Event) string {
	if e.Kind == event.EventsLost {
		return "-"
	}
	local := endpoint(localAddr(e), e.Src.Port)
	if bound(e) {
		return local
	}
	arrow := " → "
	switch {
	case e.Direction == event.In:
		arrow = " ← "
	case e.Direction == event.Unknown && e.Kind == event.Close:
		arrow = " ↔ "
	}
	return local + arrow + endpoint(e.Dst.Host(), e.Dst.Port)
}

// endpoint returns ADDR:PORT with a dash for what is missing: a connect() that finds no
// port has none.
func endpoint(addr string, port uint16) string {
	number := "-"
	if port != 0 {
		number = strconv.Itoa(int(port))
	}
	ip, err := netip.ParseAddr(addr)
	switch {
	case err != nil:
		return "-:" + number
	case ip.Is6():
		return "[" + addr + "]:" + number
	}
	return addr + ":" + number
}
