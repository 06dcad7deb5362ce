package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// Holders are the processes that hold TCP sockets by a file, of all network namespaces.
// Of several holders the one with the lowest pid counts, mostly the parent.
type Holders struct {
	at       event.Time
	sockets  []bpfCensusHolder
	bySocket map[uint64]int // index by address: 5.10 makes few cookies
}

// Holders looks through the files of all processes that are visible from the pid namespace
// of the calling thread.
func (p *Probe) Holders() (*Holders, error) {
	h := &Holders{
		at:       monotonic(),
		sockets:  make([]bpfCensusHolder, 0, p.held),
		bySocket: make(map[uint64]int, p.held),
	}
	if err := each(p, holdersIter, h.add); err != nil {
		return nil, fmt.Errorf("reading who holds sockets: %w", err)
	}
	p.held = len(h.sockets)
	return h, nil
}

func (h *Holders) add(one *bpfCensusHolder) {
	i, known := h.bySocket[one.Sk]
	switch {
	case !known:
		h.bySocket[one.Sk] = len(h.sockets)
		h.sockets = append(h.sockets, *one)
	case one.Pid < h.sockets[i].Pid:
		h.sockets[i] = *one
	}
}

// own says whose socket it is that Sockets found. The memory of a socket is used again
// within a millisecond, so more must fit than the address.
func (h *Holders) own(address uint64, e *event.Event) {
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
	one.State = uint8(e.State) // it may have been bound, and no more, until then
}

// Bound appends a SocketFound for each socket of the namespace that is bound and no more
// than that. One that Sockets has met since is left out.
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
