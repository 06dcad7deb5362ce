package procinfo

import (
	"fmt"
	"os"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
)

// Descendants lists the children of the process, their children and so on, as
// they are now. A child whose parent has ended belongs to init and is not found.
// Processes come and go during the walk: whoever must not miss one follows
// fork() first and calls this after.
func Descendants(pid uint32) ([]event.ProcID, error) {
	children, err := childrenOf()
	if err != nil {
		return nil, fmt.Errorf("find the children of process %d: %w", pid, err)
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
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	children := make(map[uint32][]event.ProcID)
	for _, name := range names {
		pid, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			continue // not a process
		}
		st, err := readStat(uint32(pid))
		if err != nil {
			continue // it has ended
		}
		children[st.ppid] = append(children[st.ppid], event.ProcID{PID: uint32(pid), Start: st.start})
	}
	return children, nil
}
