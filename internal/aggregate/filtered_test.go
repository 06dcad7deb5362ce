package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// A filter by namespace selects no count of files, which names a process only: a process that has
// a row for its sockets has them nevertheless, and one without a row gets none.
func TestFilesOfFilteredProcess(t *testing.T) {
	t.Parallel()
	counted := func(proc event.ProcID) event.Event {
		return event.Event{Time: begin, Kind: event.FilesCounted, Proc: proc, Count: 1, Flags: event.NotSelected, Fact: &event.FileUse{Open: 99, Limit: 100}}
	}
	s := of(counted(shop), counted(event.ProcID{PID: 999, Start: 1}), with(event.Open, from(40000)))
	s.Restart(begin.Add(time.Second))
	s.Add([]event.Event{after(2*time.Second, with(event.Open, from(40001)))})
	snap := s.Snapshot(begin.Add(3 * time.Second))
	if p := processOf(t, snap, shop); p.Files == nil || p.Files.Open != 99 {
		t.Errorf("files %+v", p.Files)
	}
	for _, p := range snap.Processes {
		if p.Info.ID.PID == 999 {
			t.Errorf("a row of %+v", p.Info)
		}
	}
}
