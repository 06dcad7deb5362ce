package playback

import (
	"errors"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// spanOf returns a recording of a host that was up for three days.
func spanOf(begin string, length time.Duration) *State {
	wall, err := time.Parse(time.RFC3339, begin)
	if err != nil {
		panic(err)
	}
	at := event.Time(3 * day)
	return &State{Begin: at, End: at.Add(length), Clock: event.Clock{Mono: at, Wall: wall.UnixNano()}}
}

// TestBetween: what is read of a recording is bounded from its ends, and by what is recorded.
func TestBetween(t *testing.T) {
	t.Parallel()
	evening := spanOf("2026-11-29T21:50:00Z", 10*time.Minute)
	midnight := spanOf("2026-11-29T23:50:00Z", 20*time.Minute)
	justBefore := spanOf("2026-11-29T23:50:00Z", 10*time.Minute-1)
	days := spanOf("2026-11-27T12:00:00Z", 60*time.Hour)
	unset := State{Begin: 5, End: event.Time(5).Add(30 * time.Minute)}
	const all, open = -1, -1 // no bound
	backwards := ErrBackwards.Error()
	for _, tc := range []struct {
		of        *State
		from, to  string
		after     time.Duration // the beginning, or open
		until     time.Duration
		short     bool
		wantFault string
	}{
		{of: &unset, from: "", to: "", after: open, until: all},
		{of: &unset, from: "+0s", to: "+30m", until: 30 * time.Minute},
		{of: &unset, from: "+1m30s", to: "-30s", after: 90 * time.Second, until: 29*time.Minute + 30*time.Second},
		{of: &unset, from: "-30m", to: "50%", until: 15 * time.Minute},
		{of: &unset, from: "-31m", to: "+31m", after: open, until: open, short: true},
		{of: &unset, from: "-2562047h", to: "+2562047h", after: open, until: open, short: true},
		{of: &unset, from: "+31m", wantFault: "only +0s to +30m0s is recorded"},
		{of: &unset, to: "-31m", wantFault: "only +0s to +30m0s is recorded"},
		{of: &unset, from: "+20s", to: "+10s", wantFault: backwards},

		{of: evening, from: "21:00", to: "22:00", after: open, until: 10 * time.Minute, short: true},
		{of: evening, from: "21:55", to: "22:55", after: 5 * time.Minute, until: open, short: true},
		{of: evening, from: "00:00", to: "23:59", after: open, until: open, short: true},
		{of: evening, from: "2026-11-29T21:00:00Z", to: "9999-11-29T22:00:00Z", after: open, until: open, short: true},
		{of: evening, from: "00:00", after: open, until: open, short: true},
		{of: evening, from: "23:00", wantFault: "only 21:50:00 to 22:00:00 is recorded"},
		{of: evening, from: "23:00", to: "23:30", wantFault: "only 21:50:00 to 22:00:00 is recorded"},
		{of: evening, from: "20:00", to: "21:00", wantFault: "only 21:50:00 to 22:00:00 is recorded"},
		{of: evening, to: "03:12", wantFault: "only 21:50:00 to 22:00:00 is recorded"},
		{of: evening, from: "2026-11-28T21:00:00Z", to: "2026-11-28T22:00:00Z", wantFault: "only 21:50:00 to 22:00:00 is recorded"},
		{of: evening, from: "21:55", to: "21:52", wantFault: backwards},

		{of: midnight, from: "23:00", to: "00:00", after: open, until: 10 * time.Minute, short: true},
		{of: midnight, from: "00:00", to: "01:00", after: 10 * time.Minute, until: open, short: true},
		{of: midnight, from: "23:30", to: "00:30", after: open, until: open, short: true},
		{of: midnight, from: "00:30", wantFault: "only 11-29 23:50:00 to 11-30 00:10:00 is recorded"},
		{of: justBefore, from: "23:00", to: "00:00", after: open, until: open, short: true},
		{of: days, from: "11:00", to: "13:00", after: 23 * time.Hour, until: 25 * time.Hour},
		{of: days, from: "13:00", to: "14:00", after: time.Hour, until: 2 * time.Hour},
	} {
		first, err := tc.of.Bound(tc.from)
		if err != nil {
			t.Fatal(err)
		}
		last, err := tc.of.Bound(tc.to)
		if err != nil {
			t.Fatal(err)
		}
		part, err := tc.of.Between(first, last)
		if tc.wantFault != "" {
			if err == nil || err.Error() != tc.wantFault {
				t.Errorf("%s to %s: got %+v and %v, want %q", tc.from, tc.to, part, err, tc.wantFault)
			}
			continue
		}
		want := Part{tc.of.Begin.Add(tc.after), tc.of.Begin.Add(tc.until), tc.short}
		if tc.after == open {
			want.From = 0
		}
		if tc.until == open {
			want.To = 0
		}
		if err != nil || part != want {
			t.Errorf("%s to %s: got %+v and %v, want %+v", tc.from, tc.to, part, err, want)
		}
	}
	if _, err := unset.Bound("soon"); !errors.Is(err, ErrMoment) {
		t.Errorf("got %v", err)
	}
}
