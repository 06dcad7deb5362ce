package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/event"
)

// ReadUnsent returns the processes that have used a port and whose facts had no room in the
// ring, each once. Of these only the name, the user and the parent are known.
func (p *Probe) ReadUnsent() ([]event.Process, error) {
	var (
		m      = p.maps["pt_unsent"]
		pid    uint32
		known  bpfUnsentProc
		unsent []event.Process
	)
	for it := m.Iterate(); it.Next(&pid, &known); {
		unsent = append(unsent, event.Process{ID: owner(pid, known.Start), PPID: known.Ppid, UID: known.Uid, Comm: text(known.Comm[:])})
	}
	for i := range unsent {
		// What the kernel side has put in place of it since is asked for at the next call.
		if err := m.Delete(unsent[i].ID.PID); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return unsent, fmt.Errorf("reading the names of processes: %w", err)
		}
	}
	return unsent, nil
}
