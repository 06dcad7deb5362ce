package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// Holders are the processes that hold TCP sockets by an open file, in all network
// namespaces. If several hold a socket, the one with the lowest pid counts: mostly the parent.
type Holders struct {
	sockets  []bpfCensusHolder
	bySocket map[uint64]int // index by address: on 5.10 few sockets have a cookie
}

// Holders scans the open files of all processes that are visible in the pid namespace of
// the calling thread.
func (p *Probe) Holders() (*Holders, error) {
	h := &Holders{
		sockets:  make([]bpfCensusHolder, 0, p.held),
		bySocket: make(map[uint64]int, p.held),
	}
	if err := each(p, holdersIter, h.addSocket); err != nil {
		return nil, fmt.Errorf("reading the holders of sockets: %w", err)
	}
	p.held = len(h.sockets)
	return h, nil
}

func (h *Holders) addSocket(one *bpfCensusHolder) {
	i, known := h.bySocket[one.Sk]
	switch {
	case !known:
		h.bySocket[one.Sk] = len(h.sockets)
		h.sockets = append(h.sockets, *one)
	case one.Pid < h.sockets[i].Pid:
		h.sockets[i] = *one
	}
}

// Owners returns how many of the sockets each process holds.
func (h *Holders) Owners() map[event.ProcID]int {
	owners := map[event.ProcID]int{}
	var last event.ProcID // mostly that of the next: one look-up less
	n := 0
	for i := range h.sockets {
		if id := owner(h.sockets[i].Pid, h.sockets[i].Start); id != last {
			owners[last] += n
			last, n = id, 0
		}
		n++
	}
	owners[last] += n
	delete(owners, event.ProcID{})
	return owners
}

// assignOwner sets the owner of a socket that Sockets found. The memory of a socket is
// reused within a millisecond, so the address alone does not identify it.
func (h *Holders) assignOwner(s *bpfCensusSocket, f *event.FoundSocket) {
	if h == nil || f.State == event.StateTimeWait {
		return
	}
	i, held := h.bySocket[s.Sk]
	if !held {
		return
	}
	one := &h.sockets[i]
	if one.Sport != s.Sport || one.Netns != s.Netns || one.Cookie != 0 && one.Cookie != s.Cookie {
		return
	}
	f.Proc = owner(one.Pid, one.Start)
	one.State = uint8(f.State) // when Holders read it, it may have been only bound
}

// Bound appends each socket of the namespace that is only bound: neither
// listening nor connected. It must be called after Sockets, whose sockets it leaves out.
func (h *Holders) Bound(dst *event.FoundList, inode uint32) {
	for i := range h.sockets {
		one := &h.sockets[i]
		if one.Netns != inode || event.State(one.State) != event.StateBound {
			continue
		}
		dst.Add(&event.FoundSocket{
			Flags:  event.OwnedByBind,
			State:  event.StateBound,
			Device: one.Device,
			Proc:   owner(one.Pid, one.Start),
			Src:    event.Endpoint{Addr: one.Saddr, Port: one.Sport},
			Cookie: one.Cookie,
		})
	}
}
