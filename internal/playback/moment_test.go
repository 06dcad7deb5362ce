package playback

import (
	"errors"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestMoment(t *testing.T) {
	t.Parallel()
	// Half an hour from 23:45:30.5 on, of a host that was up for an hour.
	begin := event.Time(time.Hour)
	wall := time.Date(2026, 11, 20, 23, 45, 30, 5e8, time.UTC)
	p := State{
		Begin: begin, End: begin.Add(30 * time.Minute),
		Clock: event.Clock{Mono: begin.Add(time.Minute), Wall: wall.Add(time.Minute).UnixNano()},
		At:    begin.Add(10 * time.Minute), Target: begin.Add(20 * time.Minute), // on the way to it only while Seeking
	}
	const outside = "only 11-20 23:45:30 to 11-21 00:15:30 is recorded"
	for _, tc := range []struct {
		text  string
		after time.Duration // the beginning
		fault string
	}{
		{text: "23:50", after: 4*time.Minute + 29500*time.Millisecond},
		{text: " 23:50:00 ", after: 4*time.Minute + 29500*time.Millisecond},
		{text: "23:45:31.25", after: 750 * time.Millisecond},
		{text: "23:45", after: 0}, // the minute in which it begins
		{text: "23:45:30", after: 0},
		{text: "00:00", after: 14*time.Minute + 29500*time.Millisecond},
		{text: "0:15:30", after: 29*time.Minute + 59500*time.Millisecond},
		{text: "00:15:31", fault: outside},
		{text: "23:44", fault: outside}, // a day later
		{text: "12:00", fault: outside},
		{text: "2026-11-21T00:00:00Z", after: 14*time.Minute + 29500*time.Millisecond},
		{text: "2026-11-21T01:00:00+01:00", after: 14*time.Minute + 29500*time.Millisecond},
		{text: "2026-11-20T23:45:30.6Z", after: 100 * time.Millisecond},
		{text: "2026-11-21T00:30:00Z", fault: outside},
		{text: "9999-11-21T00:30:00Z", fault: outside},
		{text: "0000-01-01T00:00:00Z", fault: outside},
		{text: "+0s", after: 10 * time.Minute},
		{text: "+1m30s", after: 11*time.Minute + 30*time.Second},
		{text: " +10s", after: 10*time.Minute + 10*time.Second},
		{text: "+20m", after: 30 * time.Minute},
		{text: "+20m1s", fault: outside},
		{text: "-30s", after: 9*time.Minute + 30*time.Second},
		{text: "-0s", after: 10 * time.Minute},
		{text: "-10m", after: 0},
		{text: "-10m1s", fault: outside},
		{text: "-2562047h", fault: outside},
		{text: "+2562047h", fault: outside},
		{text: "0%", after: 0},
		{text: "50%", after: 15 * time.Minute},
		{text: "12.5 %", fault: ErrMoment.Error()},
		{text: "12.5%", after: 3*time.Minute + 45*time.Second},
		{text: "100%", after: 30 * time.Minute},
		{text: "101%", fault: ErrMoment.Error()},
		{text: "-1%", fault: ErrMoment.Error()},
		{text: "NaN%", fault: ErrMoment.Error()},
		{text: "%", fault: ErrMoment.Error()},
		{text: "", fault: ErrMoment.Error()},
		{text: "+", fault: ErrMoment.Error()},
		{text: "+90", fault: ErrMoment.Error()},
		{text: "90s", fault: ErrMoment.Error()},
		{text: "25:00", fault: ErrMoment.Error()},
		{text: "03:12:07 pm", fault: ErrMoment.Error()},
	} {
		at, err := p.Moment(tc.text)
		switch {
		case tc.fault != "":
			if err == nil || err.Error() != tc.fault {
				t.Errorf("%q: got %v and %v, want %q", tc.text, at.Sub(begin), err, tc.fault)
			}
		case err != nil || at.Sub(begin) != tc.after:
			t.Errorf("%q: got %v and %v, want %v", tc.text, at.Sub(begin), err, tc.after)
		}
	}
}

// TestMomentOnTheWay: keys that come faster than the player add up.
func TestMomentOnTheWay(t *testing.T) {
	t.Parallel()
	p := State{Begin: 5, End: event.Time(5).Add(time.Minute), At: 5, Seeking: true, Target: event.Time(5).Add(20 * time.Second)}
	for text, want := range map[string]time.Duration{"+10s": 30 * time.Second, "-5s": 15 * time.Second} {
		if at, err := p.Moment(text); err != nil || at.Sub(p.Begin) != want {
			t.Errorf("%s: got %v and %v, want %v", text, at.Sub(p.Begin), err, want)
		}
	}
}

// TestMomentWithoutAClock: what needs none works.
func TestMomentWithoutAClock(t *testing.T) {
	t.Parallel()
	p := State{Begin: 5, At: 5, End: event.Time(5).Add(time.Minute)}
	for _, text := range []string{"03:12", "2026-11-21T00:00:00Z"} {
		if _, err := p.Moment(text); !errors.Is(err, errNoClock) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if at, err := p.Moment("+10s"); err != nil || at != event.Time(5).Add(10*time.Second) {
		t.Errorf("got %v and %v", at, err)
	}
	if _, err := p.Moment("+2m"); err == nil || err.Error() != "only +0s to +1m0s is recorded" {
		t.Errorf("got %v", err)
	}
}
