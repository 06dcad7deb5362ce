package probe

import (
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// Failures are ordered by the time at which they were sent, even if a program was interrupted
// and its record comes late with an early time.
func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ sent, failed, want []event.Time }{
		"between":          {[]event.Time{10, 30}, []event.Time{20}, []event.Time{10, 20, 30}},
		"no events":        {nil, []event.Time{20}, []event.Time{20}},
		"no failures":      {[]event.Time{10, 30}, nil, []event.Time{10, 30}},
		"a late event":     {[]event.Time{30, 10}, []event.Time{20}, []event.Time{20, 30, 10}},
		"a late failure":   {[]event.Time{20}, []event.Time{30, 10}, []event.Time{20, 30, 10}},
		"at the same time": {[]event.Time{10, 20}, []event.Time{20}, []event.Time{10, 20, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			dst := append([]event.Event{{Time: 1}}, timed(c.sent)...) // before begin: must not move
			dst = merge(dst, 1, slices.Clone(c.sent), timed(c.failed), slices.Clone(c.failed))
			var got []event.Time
			for _, e := range dst[1:] {
				got = append(got, e.Time)
			}
			if dst[0].Time != 1 || !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func timed(times []event.Time) []event.Event {
	var events []event.Event
	for _, at := range times {
		events = append(events, event.Event{Time: at})
	}
	return events
}
