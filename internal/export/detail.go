package export

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// slowSearch is from when on the search for a port is worth a word. It takes
// microseconds until half of the range is in use, and milliseconds after.
const slowSearch = time.Millisecond

// detail is what a line says beyond the addresses.
func detail(e *event.Event, c Context) string {
	var words []string
	if e.Proto != event.TCP {
		words = append(words, e.Proto.String())
	}
	switch e.Kind {
	case event.Open:
		words = append(words, opening(e))
	case event.Close:
		words = append(words, closing(e)...)
	case event.ConnectFail, event.BindFail:
		words = append(words, failing(e)...)
	case event.SpaceChanged:
		words = append(words, filling(e))
	}
	if c.Netns != "" && c.Netns != "host" {
		words = append(words, "in "+printable.String(c.Netns))
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	return strings.Join(words, " ")
}

// opening says what was unusual about the way to the port.
func opening(e *event.Event) string {
	var parts []string
	if e.Flags.Has(event.EarlyBind) {
		parts = append(parts, "bound before connect")
	}
	if e.Flags.Has(event.Reused) {
		parts = append(parts, "port taken from TIME_WAIT")
	}
	if search := time.Duration(e.PortSearch); search >= slowSearch {
		parts = append(parts, "port found in "+duration(search))
	}
	return strings.Join(parts, ", ")
}

func closing(e *event.Event) []string {
	words := []string{duration(time.Duration(e.Duration)), ending(e)}
	if e.CloseWait > 0 {
		words = append(words, "CLOSE_WAIT for "+duration(time.Duration(e.CloseWait)))
	}
	if e.Flags.Has(event.TimeWait) {
		words = append(words, "TIME_WAIT")
	}
	if e.Flags.Has(event.FinWait2) {
		words = append(words, "FIN_WAIT2")
	}
	return words
}

func failing(e *event.Event) []string {
	var words []string
	if e.Op == event.OpListen || e.Op == event.OpAutobind { // the kind tells the others
		words = append(words, e.Op.String())
	}
	words = append(words, e.Errno.String(), e.Reason.String())
	if e.Inferred&(event.FieldErrno|event.FieldReason) != 0 {
		words = append(words, "(inferred)")
	}
	if e.Count > 1 {
		words = append(words, fmt.Sprintf("%d times in %s", e.Count, duration(e.Last.Sub(e.First))))
	}
	return words
}

// ending says who ended a connection.
func ending(e *event.Event) string {
	switch e.ClosedBy {
	case event.Local, event.Remote:
		return "closed by " + e.ClosedBy.String()
	case event.Reset:
		if e.ResetBy != 0 {
			return "reset by " + e.ResetBy.String()
		}
		return "reset"
	case event.Timeout:
		return "timed out"
	case event.Abort:
		return "given up"
	}
	return ""
}

// duration keeps three digits, which is all that a line is read for.
func duration(d time.Duration) string {
	unit := time.Nanosecond
	for d >= 1000*unit && unit < time.Second {
		unit *= 10
	}
	return d.Round(unit).String()
}
