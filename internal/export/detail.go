package export

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
)

// slowSearch is the duration from which a port search is reported. A search takes
// microseconds until half of the range is in use, and milliseconds after.
const slowSearch = time.Millisecond

// detail returns the end of a line, after the addresses.
func detail(e *event.Event, c Context) string {
	var words []string
	if e.Proto != event.TCP && e.Kind != event.EventsLost {
		words = append(words, e.Proto.String())
	}
	switch e.Kind {
	case event.Open:
		words = append(words, opening(e))
	case event.Close:
		words = append(words, closing(e)...)
	case event.ConnectFail, event.BindFail:
		words = append(words, failing(e)...)
		if by := heldBy(e, c); by != "" {
			words = append(words, "held by "+by)
		}
	case event.SynUnanswered:
		words = append(words, "SYN retransmitted")
	case event.Folded, event.EventsLost:
		words = append(words, leavingOut(e))
	case event.DetailLimited:
		words = append(words, limiting(e))
	case event.SpaceChanged:
		words = append(words, filling(e))
	}
	if c.Netns != "" && c.Netns != "host" {
		words = append(words, "in "+printable.String(c.Netns))
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	return strings.Join(words, " ")
}

// opening returns what was unusual about the allocation of the port.
func opening(e *event.Event) string {
	var parts []string
	if e.Flags.Has(event.EarlyBind) {
		parts = append(parts, "bound before connect")
	}
	if e.Flags.Has(event.Reused) {
		parts = append(parts, "port reused from TIME_WAIT")
	}
	if search := time.Duration(e.PortSearch); search >= slowSearch {
		parts = append(parts, "port found in "+phrase.Duration(search))
	}
	return strings.Join(parts, ", ")
}

func closing(e *event.Event) []string {
	words := []string{phrase.Duration(time.Duration(e.Duration)), ending(e)}
	if e.CloseWait > 0 {
		words = append(words, "CLOSE_WAIT for "+phrase.Duration(time.Duration(e.CloseWait)))
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
	if e.Op == event.OpListen || e.Op == event.OpAutobind { // the kind implies the other calls
		words = append(words, e.Op.String())
	}
	words = append(words, e.Errno.String(), e.Reason.String())
	if e.Inferred&(event.FieldErrno|event.FieldReason) != 0 {
		words = append(words, "(inferred)")
	}
	if e.Count > 1 {
		words = append(words, fmt.Sprintf("%d times in %s", e.Count, phrase.Duration(e.Last.Sub(e.First))))
	}
	return words
}

// ending returns what the connection was closed by.
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
		return "aborted"
	}
	return ""
}
