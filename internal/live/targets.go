package live

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// Target finds the process that --pid names. A thread's id is refused with its
// process named, since a filter is for processes.
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

func pidNamespace() (inode uint32, host bool, err error) { return linux.PIDNamespace() }

// selectDescendants selects those that exist. Forks are followed already, so that
// looking again until nobody is new leaves nobody out.
func (s *Source) selectDescendants(roots []event.ProcID) error {
	const rounds = 10 // a fork bomb must not hold the start up
	selected := map[event.ProcID]bool{}
	for range rounds {
		fresh := false
		for _, root := range roots {
			descendants, err := procinfo.Descendants(root.PID)
			if err != nil {
				return fmt.Errorf("--children: %w", err)
			}
			for _, id := range descendants {
				if selected[id] {
					continue
				}
				selected[id], fresh = true, true
				if err := s.probe.Select(id); err != nil {
					return err
				}
			}
		}
		if !fresh {
			return nil
		}
	}
	return nil
}

// targets watches the selected processes.
type targets struct {
	alive []event.ProcID
	all   int
}

func newTargets(ids []event.ProcID) targets {
	return targets{alive: append([]event.ProcID(nil), ids...), all: len(ids)}
}

// ended is a line for the user when the last selected process has gone, once.
func (t *targets) ended() string {
	if len(t.alive) == 0 {
		return ""
	}
	var alive []event.ProcID
	for _, id := range t.alive {
		if start, err := procinfo.StartTicks(id.PID); err == nil && start == id.Start {
			alive = append(alive, id)
		}
	}
	t.alive = alive
	if len(alive) > 0 {
		return ""
	}
	return "the traced process has ended; tracing goes on, its TIME_WAIT lives another minute"
}
