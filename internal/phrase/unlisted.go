package phrase

import (
	"time"

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

// LimitTimes returns from when to when a pair was limited, and how often.
func LimitTimes(l *snapshot.DetailLimit) string {
	text := "since " + Time(l.Since, time.TimeOnly)
	if !l.Until.IsZero() {
		text = Time(l.Since, time.TimeOnly) + " to " + Time(l.Until, time.TimeOnly)
	}
	if l.Times > 1 {
		text += ", " + Plural(l.Times, "time")
	}
	return text
}

// Unlisted returns how many events were only counted because there were too many, and of how many
// pairs; empty if none was that is selected.
func Unlisted(s *snapshot.Snapshot) string {
	if len(s.DetailLimits) == 0 || s.Health.Limited == 0 && s.Limited.Now == 0 {
		return ""
	}
	where, whose := "", ""
	if s.Filtered {
		where, whose = " on the host", "selected "
	}
	return Plural(s.Health.Limited, "event") + where + " counted, not listed: " + Plural(s.Limited.All, whose+"pair") +
		" of process and address, of more than " + Grouped(s.DetailLimits[0].Limit) + " events/s in all"
}

// OtherLimits returns how many pairs follow the first ones, and what was counted of them; empty if
// none do.
func OtherLimits(s *snapshot.Snapshot, listed int) string {
	pairs, events := s.OtherLimits(listed)
	if pairs == 0 {
		return ""
	}
	return "and " + Plural(pairs, "more pair") + ": " + Plural(events, "event")
}

// RingFull returns how many events were only counted because the ring was full; empty if none were.
func RingFull(h *event.Health) string {
	if h.LostDetails == 0 {
		return ""
	}
	return Plural(h.LostDetails, "event") + " counted, not listed: the ring was full (--ring-bytes)"
}

// Losses returns how many events were lost, and how many only counted, each for its reason.
func Losses(h *event.Health) string {
	text := "none lost"
	if h.Lost > 0 {
		text = Count(h.Lost) + " lost"
	}
	if h.Limited > 0 {
		text += ", " + Count(h.Limited) + " only counted (--detail-limit)"
	}
	if h.LostDetails > 0 {
		text += ", " + Count(h.LostDetails) + " only counted (the ring was full)"
	}
	return text
}

// Sampled returns a ~ for figures of single events if some events of the row were only counted.
func Sampled(t *snapshot.Totals) string {
	if t.Unlisted == 0 {
		return ""
	}
	return "~"
}
