package live

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// The room for events is given back if a batch took far more than the last one needs.
func TestTrimEvents(t *testing.T) {
	t.Parallel()
	const storm = 10 * minRoom
	for _, c := range []struct {
		size, cap int
		kept      bool
	}{
		{1, minRoom, true},       // room for the next ones
		{storm / 4, storm, true}, // the storm goes on
		{1, storm, false},        // it is over
	} {
		s := &Source{events: make([]event.Event, c.size, c.cap)}
		if s.trimEvents(); (s.events != nil) != c.kept {
			t.Errorf("%d events of %d: kept is %v", c.size, c.cap, s.events != nil)
		}
	}
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
