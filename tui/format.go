package tui

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// unknown stands where nothing is known or nothing happened.
const unknown = "-"

// count writes a number so that it fits nine cells.
func count[N int | int64 | uint64](number N) string {
	n := float64(number)
	switch {
	case math.Abs(n) < 1e7:
		return grouped(int64(number))
	case math.Abs(n) < 1e9:
		return fmt.Sprintf("%.1fM", n/1e6)
	}
	return fmt.Sprintf("%.1fG", n/1e9)
}

// grouped puts a comma after every third digit.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// rate is per second: one decimal where it says something.
func rate(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return "0"
	case perSecond < 0.05:
		return "<0.1"
	case perSecond < 9.95:
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return count(int64(math.Round(perSecond)))
}

// lifetime is a duration that may be very short, in at most six cells.
func lifetime(d time.Duration) string {
	switch {
	case d <= 0:
		return unknown
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + "µs"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", d.Seconds()*1e3)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return elapsed(d)
}

// elapsed is a duration in whole seconds, of which the greatest two units count.
func elapsed(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}

// ago is how long before now something happened.
func ago(now, then time.Time) string {
	if then.IsZero() {
		return unknown
	}
	return elapsed(now.Sub(then)) + " ago"
}

// endpoint is ADDR:PORT, or [ADDR]:PORT for IPv6, with * for a port that is open.
// Where it does not fit, the address is cut and not the port.
func endpoint(e event.Endpoint, width int) string {
	addr, port := e.Addr.String(), "*"
	if e.Port != 0 {
		port = strconv.Itoa(int(e.Port))
	}
	opening, closing := "", ":"
	if strings.Contains(addr, ":") {
		opening, closing = "[", "]:"
	}
	room := width - len(opening) - len(closing) - len(port)
	return opening + cut(addr, max(room, 1)) + closing + port
}

// process is NAME(PID). Where it does not fit, the name is cut and not the pid.
func process(id event.ProcID, comm string, width int) string {
	if !id.Known() {
		return cut("(unknown)", width)
	}
	pid := "(" + strconv.FormatUint(uint64(id.PID), 10) + ")"
	return cut(command(id, comm), max(width-len(pid), 1)) + pid
}

// command is the name of a process, made safe.
func command(id event.ProcID, comm string) string {
	if !id.Known() {
		return "(unknown)"
	}
	return cmp.Or(printable.String(comm), "?")
}

// marked puts the mark of an inferred value before it.
func marked(inferred, field event.Field, text string) string {
	if text != "" && inferred&field != 0 {
		return "~" + text
	}
	return text
}

// netns is what a network namespace is called.
func netns(name string, inode uint32) string {
	return cmp.Or(printable.String(name), strconv.FormatUint(uint64(inode), 10))
}
