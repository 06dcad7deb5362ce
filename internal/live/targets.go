package live

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// Target returns the process of a --pid. The id of a thread is refused, and the error names
// its process: a filter is for processes.
func Target(pid uint32) (event.ProcID, error) {
	leader, comm, err := procinfo.ThreadGroup(pid)
	if err != nil {
		return event.ProcID{}, fmt.Errorf("--pid %d: there is no such process", pid)
	}
	if leader != pid {
		return event.ProcID{}, fmt.Errorf("--pid %d: it is a thread of process %d (%q): use --pid %d", pid, leader, comm, leader)
	}
	start, err := procinfo.StartTicks(pid)
	if err != nil {
		return event.ProcID{}, fmt.Errorf("--pid %d: there is no such process", pid)
	}
	return event.ProcID{PID: pid, Start: start}, nil
}

// selectDescendants selects the existing descendants of processes. Forks are followed
// already, so that searching until none is new leaves none out.
func selectDescendants(roots []event.ProcID, selectOne func(event.ProcID) error) error {
	const rounds = 10 // a fork bomb must not delay the start
	selected := map[event.ProcID]bool{}
	for range rounds {
		before := len(selected)
		for _, root := range roots {
			descendants, err := procinfo.Descendants(root.PID)
			if err != nil {
				return fmt.Errorf("--children: %w", err)
			}
			for _, id := range descendants {
				if selected[id] {
					continue
				}
				selected[id] = true
				if err := selectOne(id); err != nil {
					return err
				}
			}
		}
		if len(selected) == before {
			return nil
		}
	}
	return nil
}

// targets watches the processes that --pid names.
type targets struct {
	alive   []event.ProcID
	isAlive func(event.ProcID) bool
}

func newTargets(ids []event.ProcID) *targets {
	return &targets{alive: append([]event.ProcID(nil), ids...), isAlive: isAlive}
}

func isAlive(id event.ProcID) bool {
	start, err := procinfo.StartTicks(id.PID)
	return err == nil && start == id.Start
}

// ended returns a line for the user when the last of them has ended, once.
func (t *targets) ended() string {
	if len(t.alive) == 0 {
		return ""
	}
	var alive []event.ProcID
	for _, id := range t.alive {
		if t.isAlive(id) {
			alive = append(alive, id)
		}
	}
	last := t.alive[len(t.alive)-1]
	t.alive = alive
	if len(alive) > 0 {
		return ""
	}
	return fmt.Sprintf("process %d has exited, the last one traced: its ports stay in TIME_WAIT for up to a minute", last.PID)
}
