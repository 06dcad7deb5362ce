package phrase

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Each reason for which an event is not listed has words of its own, and the count of the tracer.
func TestOnlyCounted(t *testing.T) {
	t.Parallel()
	limited := &snapshot.Snapshot{
		Health:       event.Health{Limited: 241_408, LostDetails: 63, Lost: 43},
		DetailLimits: []snapshot.DetailLimit{{Limit: 10_000, Counted: 9_603}},
		Limited:      snapshot.LimitedPairs{All: 1_008, Counted: 241_360},
	}
	selected, nothing := *limited, &snapshot.Snapshot{}
	selected.Filtered, selected.Limited.All = true, 1
	ended := snapshot.DetailLimit{Since: time.Unix(60, 0), Until: time.Unix(90, 0), Times: 1}
	idle := *limited
	idle.Health.Limited = 0
	again := ended
	again.Times = 3
	for name, c := range map[string]struct{ got, want string }{
		"limited":         {Unlisted(limited), "241,408 events counted, not listed: 1,008 pairs of process and address, of more than 10,000 events/s in all"},
		"of a filter":     {Unlisted(&selected), "241,408 events on the host counted, not listed: 1 selected pair of process and address, of more than 10,000 events/s in all"},
		"no event":        {Unlisted(&idle), ""},
		"not limited":     {Unlisted(nothing), ""},
		"others":          {OtherLimits(limited, 1), "and 1,007 more pairs: 231,757 events"},
		"no others":       {OtherLimits(nothing, 0), ""},
		"ring full":       {RingFull(&limited.Health), "63 events counted, not listed: the ring was full (--ring-bytes)"},
		"ring not full":   {RingFull(&nothing.Health), ""},
		"lost":            {TooLow(limited), "43 events lost: counts of calls can be too low"},
		"nothing is lost": {TooLow(nothing), ""},
		"of a recording":  {Losses(&limited.Health), "43 lost, 241,408 only counted (--detail-limit), 63 only counted (the ring was full)"},
		"a whole one":     {Losses(&nothing.Health), "none lost"},
		"failures alike":  {Losses(&event.Health{Repeated: 9}), "none lost"},
		"it goes on":      {LimitTimes(&snapshot.DetailLimit{Since: time.Unix(60, 0), Times: 1}), "since 00:01:00"},
		"it has ended":    {LimitTimes(&ended), "00:01:00 to 00:01:30"},
		"it came again":   {LimitTimes(&again), "00:01:00 to 00:01:30, 3 times"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
}
