package phrase

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Limited returns whose events a limit of detail is about.
func Limited(l *snapshot.DetailLimit) string {
	arrow := " → "
	if l.Direction == event.In {
		arrow = " ← "
	}
	return Process(l.Proc.ID, l.Proc.Program()) + arrow + Remote(l.Proto, l.End)
}

// Unlisted returns of how many pairs events were only counted because of their rate, and how many
// events; empty if there is none.
func Unlisted(s *snapshot.Snapshot) string {
	n := len(s.DetailLimits)
	if n == 0 {
		return ""
	}
	var events uint64
	for i := range s.DetailLimits {
		events += s.DetailLimits[i].Counted
	}
	pairs, state := Plural(n, "pair")+" of process and address", "were"
	if now := s.LimitedNow(); now == n {
		state = "are"
	}
	return Grouped(events) + " events of " + pairs + " " + state + " only counted, not listed: more than " + Grouped(s.DetailLimits[0].Limit) + "/s"
}

// Sampled returns a ~ for figures of single events if some events of the row were only counted.
func Sampled(t *snapshot.Totals) string {
	if t.Unlisted == 0 {
		return ""
	}
	return "~"
}
