package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// Holders are the processes that hold TCP sockets by a file, of all network namespaces.
// Of several holders the one with the lowest pid counts, mostly the parent.
type Holders struct {
	at       event.Time
	bySocket map[uint64]bpfCensusHolder // by address: even 5.10, where few have cookies, knows that
	bound    map[uint32][]uint64        // sockets that are only bound, by namespace
}

// tcpClose is the state of a socket that is neither connected nor listening.
const tcpClose = uint8(event.StateBound)

// Holders looks through the files of all processes that are visible from the pid namespace
// of the calling thread.
func (p *Probe) Holders() (*Holders, error) {
	h := &Holders{at: monotonic(), bySocket: map[uint64]bpfCensusHolder{}, bound: map[uint32][]uint64{}}
	if err := each(p, holdersIter, h.add); err != nil {
		return nil, fmt.Errorf("reading who holds sockets: %w", err)
	}
	return h, nil
}

func (h *Holders) add(one *bpfCensusHolder) {
	known, held := h.bySocket[one.Sk]
	if held && known.Pid <= one.Pid {
		return
	}
	h.bySocket[one.Sk] = *one
	if !held && one.State == tcpClose {
		h.bound[one.Netns] = append(h.bound[one.Netns], one.Sk)
	}
}

// own says whose socket it is that Sockets found. The memory of a socket is used again
// within a millisecond, so more must fit than the address.
func (h *Holders) own(address uint64, e *event.Event) {
	if h == nil || e.State == event.StateTimeWait {
		return
	}
	one, held := h.bySocket[address]
	if !held || one.Sport != e.Src.Port || one.Netns != e.Netns {
		return
	}
	if one.Cookie != 0 && one.Cookie != e.Cookie {
		return
	}
	e.Proc = owner(one.Pid, one.Start)
	if one.State == tcpClose { // it went on since
		delete(h.bySocket, address)
	}
}

// Bound appends a SocketFound for each socket of the namespace that is bound and no more
// than that. One that Sockets has met since is left out.
func (h *Holders) Bound(dst []event.Event, inode uint32) []event.Event {
	for _, address := range h.bound[inode] {
		one, still := h.bySocket[address]
		if !still || one.State != tcpClose {
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
