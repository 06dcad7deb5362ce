package portspace

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// Resync returns all sockets of a namespace, as SocketFound events in a deterministic order: a
// reader that has lost a part of the stream is right again from there on. They may be added to the
// table while they are iterated over.
func (t *Table) Resync(netns uint32, at event.Time) iter.Seq[event.Event] {
	n := t.Netns(netns)
	base := event.Event{Time: at, Kind: event.SocketFound, Proto: event.TCP, Netns: netns, Count: 1}
	return func(yield func(event.Event) bool) {
		for _, b := range n.allBinds() {
			for _, port := range slices.Sorted(maps.Keys(b.owned)) {
				for _, e := range b.boundEvents(base, port) {
					if !yield(e) {
						return
					}
				}
			}
		}
		for _, s := range t.spacesOf(n) {
			id := s.ID
			for _, socket := range s.sorted() {
				if !yield(socket.event(base, id)) {
					return
				}
			}
		}
	}
}

// boundEvents returns what listens or is bound at a port.
func (b *BindTable) boundEvents(base event.Event, port uint16) []event.Event {
	o := b.owned[port]
	if o == nil || o.State == 0 {
		return nil
	}
	var list []event.Event
	for _, l := range b.listeners[port] {
		list = append(list, l.event(base, event.StateListen, port))
	}
	return append(list, o.event(base, o.State, port))
}

// Head returns what a scan that ends at a time would report of a namespace if the table were
// empty: a stream that begins then begins with that. All sockets are from before its start. Of a
// namespace that was never scanned only the sockets are known.
func (t *Table) Head(netns uint32, at event.Time) iter.Seq[event.Event] {
	n := t.Netns(netns)
	return func(yield func(event.Event) bool) {
		if n.CensusAt != 0 {
			fact := n.Census
			fact.Netns, fact.Whole, fact.TimeWait = netns, true, uint64(n.length)
			if !yield(event.Event{Time: at, Kind: event.CensusTaken, Fact: &fact}) {
				return
			}
		}
		for e := range t.Resync(netns, at) {
			e.Flags |= event.BeforeStart
			if !yield(e) {
				return
			}
		}
	}
}

func (s *BoundSocket) event(base event.Event, state event.State, port uint16) event.Event {
	e := base
	e.State, e.Proc, e.Cookie, e.Device, e.Flags = state, s.Proc, s.cookie, s.device, event.OwnedByBind
	e.Src = event.Endpoint{Addr: s.Local, Port: port}
	if s.Before {
		e.Flags |= event.BeforeStart
	}
	if s.left {
		e.Flags |= event.NotSelected
	}
	return e
}

// spacesOf returns the spaces of a namespace, sorted, so that the output is deterministic.
func (t *Table) spacesOf(n *Netns) []*Space {
	list := slices.Collect(t.spaces.of(n))
	slices.SortFunc(list, func(a, b *Space) int { return a.Compare(b.ID) })
	return list
}

// sorted returns the sockets of the space by port.
func (s *Space) sorted() []Socket {
	list := make([]Socket, 0, s.held)
	for _, socket := range s.Each() {
		list = append(list, socket)
	}
	sortByPort(list)
	return list
}

func sortByPort(list []Socket) {
	slices.SortFunc(list, func(a, b Socket) int { return cmp.Compare(a.port, b.port) })
}

func (s *Socket) event(base event.Event, id ID) event.Event {
	e := base
	e.State, e.Direction, e.Proc, e.Cookie, e.Flags = s.State, s.Direction, s.Proc, s.Cookie, s.Flags
	e.Src, e.Dst, e.Device = event.Endpoint{Addr: id.Local, Port: s.port}, id.Remote, id.Device
	if s.State == event.StateTimeWait {
		e.First, e.Last = base.Time, s.Expiry
	}
	return e
}
