package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// Holders are the processes that hold TCP sockets by an open file, in all network
// namespaces. If several hold a socket, the one with the lowest pid counts: mostly the parent.
type Holders struct {
	at       event.Time
	sockets  []bpfCensusHolder
	bySocket map[uint64]int // index by address: on 5.10 few sockets have a cookie
}

// Holders scans the open files of all processes that are visible in the pid namespace of
// the calling thread.
func (p *Probe) Holders() (*Holders, error) {
	h := &Holders{
		at:       event.Time(linux.Monotonic()),
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
func (h *Holders) assignOwner(address uint64, e *event.Event) {
	if h == nil || e.State == event.StateTimeWait {
		return
	}
	i, held := h.bySocket[address]
	if !held {
		return
	}
	one := &h.sockets[i]
	if one.Sport != e.Src.Port || one.Netns != e.Netns || one.Cookie != 0 && one.Cookie != e.Cookie {
		return
	}
	e.Proc = owner(one.Pid, one.Start)
	one.State = uint8(e.State) // when Holders read it, it may have been only bound
}

// Bound appends a SocketFound for each socket of the namespace that is only bound: neither
// listening nor connected. It must be called after Sockets, whose sockets it leaves out.
func (h *Holders) Bound(dst []event.Event, inode uint32) []event.Event {
	for i := range h.sockets {
		one := &h.sockets[i]
		if one.Netns != inode || event.State(one.State) != event.StateBound {
			continue
		}
		dst = append(dst, event.Event{
			Time:   h.at,
			Kind:   event.SocketFound,
			Proto:  event.TCP,
			Flags:  event.OwnedByBind,
			State:  event.StateBound,
			Device: one.Device,
			Netns:  one.Netns,
			Proc:   owner(one.Pid, one.Start),
			Src:    event.Endpoint{Addr: one.Saddr, Port: one.Sport},
			Cookie: one.Cookie,
			Count:  1,
		})
	}
	return dst
}
