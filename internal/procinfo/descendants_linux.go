package procinfo

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// Descendants returns the children of the process, their children and so on, as they are
// now. A child whose parent has ended belongs to init and is not found. Processes come and
// go during the walk: a caller that must not miss one must follow fork() before it calls.
func Descendants(pid uint32) ([]event.ProcID, error) {
	children, err := childrenOf()
	if err != nil {
		return nil, fmt.Errorf("finding the children of process %d: %w", pid, err)
	}
	var found []event.ProcID
	parents := []uint32{pid}
	for len(parents) > 0 {
		parent := parents[0]
		parents = parents[1:]
		for _, child := range children[parent] {
			found = append(found, child)
			parents = append(parents, child.PID)
		}
		// A pid that was reused during the walk must not make a circle.
		delete(children, parent)
	}
	return found, nil
}

// childrenOf walks /proc once and maps each process to its children.
func childrenOf() (map[uint32][]event.ProcID, error) {
	pids, err := linux.Processes()
	if err != nil {
		return nil, err
	}
	children := make(map[uint32][]event.ProcID)
	for _, pid := range pids {
		st, err := readStat(pid)
		if err != nil {
			continue // it has ended
		}
		children[st.ppid] = append(children[st.ppid], event.ProcID{PID: pid, Start: st.start})
	}
	return children, nil
}
