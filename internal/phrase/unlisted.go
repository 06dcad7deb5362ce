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

// Unlisted returns how many events were only counted because there were too many, and of how many
// pairs; empty if there are none.
func Unlisted(s *snapshot.Snapshot) string {
	pairs := len(s.DetailLimits)
	if pairs == 0 {
		return ""
	}
	var events uint64
	for i := range s.DetailLimits {
		events += s.DetailLimits[i].Counted
	}
	return Plural(events, "event") + " counted, not listed: " + Plural(pairs, "pair") + " of process and address, of more than " +
		Grouped(s.DetailLimits[0].Limit) + " events/s in all"
}

// Sampled returns a ~ for figures of single events if some events of the row were only counted.
func Sampled(t *snapshot.Totals) string {
	if t.Unlisted == 0 {
		return ""
	}
	return "~"
}
