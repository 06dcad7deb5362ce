package phrase

import (
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// BeforeStart is the name of the owner of sockets that are older than the trace, if it is not known.
const BeforeStart = UnknownOwner + " (from before start)"

// Holder returns the name of a holder.
func Holder(h *snapshot.Holder) string {
	if !h.Proc.ID.Known() && h.Before > 0 && h.Before == h.Ports() {
		return BeforeStart
	}
	if !h.Proc.ID.Known() {
		return UnknownOwner
	}
	return Program(&h.Proc)
}

// Held returns what holds the ports of a holder: 90 live (2 in CLOSE_WAIT), 10 bound.
func Held(h *snapshot.HeldCount) string {
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
