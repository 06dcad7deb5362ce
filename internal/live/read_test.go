package live

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Memory is given back after the start, and then if a batch took far more than the last one
// needs, but not all the time.
func TestTrim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const storm = 10 * minRoom
		s := &Source{events: make([]event.Event, 1, 2)}
		for i, step := range []struct {
			after     time.Duration
			size, cap int
			kept      bool
		}{
			{0, 1, 2, false},                           // the start
			{2 * trimInterval, 1, minRoom, true},       // room for the next ones
			{trimInterval, storm / 4, storm, true},     // the storm goes on
			{trimInterval, 1, storm, false},            // it is over
			{trimInterval - 1, 1, storm, true},         // another one, too soon after the last
			{1, 1, storm, false},                       // and later
			{2 * trimInterval, storm / 8, storm, true}, // many events, if no storm
		} {
			time.Sleep(step.after)
			s.events = make([]event.Event, step.size, step.cap)
			if s.trim(); (s.events != nil) != step.kept {
				t.Errorf("step %d: kept is %v", i, s.events != nil)
			}
		}
	})
}

// Notify never waits.
func TestNotify(t *testing.T) {
	t.Parallel()
	s := &Source{notices: make(chan string, 1)}
	s.Notify("one")
	s.Notify("too many")
	if got := <-s.notices; got != "one" || len(s.notices) > 0 {
		t.Errorf("got %q", got)
	}
}
