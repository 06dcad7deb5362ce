package phrase

import (
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// BeforeStart is the name of the sockets that are older than the trace and have no known
// owner.
const BeforeStart = "sockets before start"

// Holder returns the name of a holder.
func Holder(h *snapshot.Holder) string {
	if !h.Proc.ID.Known() && h.Before > 0 {
		return BeforeStart
	}
	return Process(h.Proc.ID, h.Proc.Comm)
}

// Held returns what holds the ports of a holder: 90 live (2 in CLOSE_WAIT), 10 bound.
func Held(h *snapshot.Holder) string {
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, Count(n)+text)
		}
	}
	live := " live"
	if h.CloseWait > 0 {
		live += " (" + Count(h.CloseWait) + " in CLOSE_WAIT)"
	}
	add(h.Live, live)
	add(h.TimeWait, " in TIME_WAIT")
	add(h.Bound, " bound")
	return strings.Join(parts, ", ")
}
