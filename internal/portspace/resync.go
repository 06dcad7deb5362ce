package portspace

import (
	"cmp"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// AppendSockets appends all sockets of a namespace to dst, as SocketFound events in a
// deterministic order: a reader that has lost a part of the stream is right again from
// there on.
func (t *Table) AppendSockets(dst []event.Event, netns uint32, at event.Time) []event.Event {
	n := t.Netns(netns)
	list := slices.Grow(dst, t.Known(netns))
	base := event.Event{Time: at, Kind: event.SocketFound, Proto: event.TCP, Netns: netns, Count: 1}
	for _, port := range slices.Sorted(maps.Keys(n.owned)) {
		o := n.owned[port]
		if o.State == 0 {
			continue
		}
		for _, l := range n.listeners[port] {
			list = append(list, l.event(base, event.StateListen, port))
		}
		list = append(list, o.event(base, o.State, port))
	}
	for _, s := range t.spacesOf(n) {
		for _, socket := range s.sorted() {
			list = append(list, socket.event(base, s.ID))
		}
	}
	return list
}

// AppendHead appends what a scan that ends at a time would report of a namespace if the table
// were empty: a stream that begins then begins with that. All sockets are from before its start.
// Of a namespace that was never scanned only the sockets are known.
func (t *Table) AppendHead(dst []event.Event, netns uint32, at event.Time) []event.Event {
	n := t.Netns(netns)
	if n.CensusAt != 0 {
		fact := n.Census
		fact.Netns, fact.Whole, fact.TimeWait = netns, true, uint64(n.length)
		dst = append(dst, event.Event{Time: at, Kind: event.CensusTaken, Fact: &fact})
	}
	sockets := len(dst)
	dst = t.AppendSockets(dst, netns, at)
	for i := range dst[sockets:] {
		dst[sockets+i].Flags |= event.BeforeStart
	}
	return dst
}

func (s *BoundSocket) event(base event.Event, state event.State, port uint16) event.Event {
	e := base
	e.State, e.Proc, e.Cookie, e.Src, e.Flags = state, s.Proc, s.cookie, event.Endpoint{Addr: s.Local, Port: port}, event.OwnedByBind
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
	var list []*Space
	for s := range t.spaces.all() {
		if s.net == n {
			list = append(list, s)
		}
	}
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
