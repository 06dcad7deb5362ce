package portspace

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Port is a port of a space; that of a socket which is only bound has no remote end.
type Port struct {
	ID
	Port uint16
}

// PortOf is the port that the event is about.
func PortOf(e *event.Event) Port {
	id := IDOf(e)
	if !e.Dst.Known() {
		id = ID{Netns: e.Netns}
	}
	return Port{id, e.Src.Port}
}

// Seen is what a census of a namespace has found.
type Seen struct {
	Census  event.Census
	At      event.Time
	Sockets []event.Event // SocketFound
	Part    bool          // there were more of them
	// Ports were looked at; zero: all. The range may have become another since.
	Ports event.PortRange
	// Unsettled reports ports that something happened to while the census was taken:
	// what it says of them may be old.
	Unsettled func(Port) bool
}

// Compare appends the events that make the table what the census has found: what that met,
// in its order, then what is gone.
func (t *Table) Compare(dst []event.Event, seen Seen) []event.Event {
	t.looks++
	c := comparison{table: t, Seen: seen, made: dst, room: t.limit - t.sockets}
	for i := range seen.Sockets {
		c.meet(&seen.Sockets[i])
	}
	if !seen.Part {
		c.miss()
	}
	return c.made
}

func compareEnds(a, b event.Endpoint) int {
	return cmp.Or(bytes.Compare(a.Addr[:], b.Addr[:]), cmp.Compare(a.Port, b.Port))
}

type comparison struct {
	table *Table
	Seen
	made []event.Event
	room int // for sockets that the table does not know
}

// meet takes a socket that the census has found.
func (c *comparison) meet(found *event.Event) {
	port := PortOf(found)
	c.table.met(port)
	bucket := found.State == event.StateTimeWait
	if c.Unsettled(port) || !c.table.Counts(found) || bucket && found.Last <= c.At {
		return
	}
	e := *found
	e.Time = c.At
	if !e.Dst.Known() {
		if c.differsOwned(&e) {
			c.made = append(c.made, e)
		}
		return
	}
	if c.differs(port, &e) {
		c.made = append(c.made, e)
	}
}

// met marks what the look that is being compared has found.
func (t *Table) met(p Port) {
	if !p.Remote.Known() {
		if o := t.Netns(p.Netns).owned[p.Port]; o != nil {
			o.look = t.looks
		}
		return
	}
	if socket, is := t.socket(p); is {
		socket.look = t.looks
		t.spaces[p.ID].sockets[uint32(p.Port)] = socket
	}
}

func (t *Table) socket(p Port) (Socket, bool) {
	s := t.spaces[p.ID]
	if s == nil {
		return Socket{}, false
	}
	socket, is := s.sockets[uint32(p.Port)]
	return socket, is
}

// differsOwned fills in whose port it is.
func (c *comparison) differsOwned(e *event.Event) bool {
	o := c.table.Netns(e.Netns).owned[e.Src.Port]
	if o == nil || o.State == 0 {
		return true
	}
	if !e.Proc.Known() {
		e.Proc = o.Proc
	}
	// Of several sockets at a port the table knows one.
	return !o.Proc.Known() && e.Proc.Known()
}

// differs fills in what the table knows better than a census can: who opened a connection.
func (c *comparison) differs(port Port, e *event.Event) bool {
	known, is := c.table.socket(port)
	if !is {
		c.room--
		return c.room >= 0
	}
	if known.Cookie != 0 && e.Cookie != 0 && known.Cookie != e.Cookie {
		return true
	}
	same := class(known.State) == class(e.State)
	if e.State == event.StateSynSent { // counted as such only from the first retransmission
		same = class(known.State) != event.StateTimeWait
		e.State = known.State
	}
	owner := !known.Proc.Known() && e.Proc.Known()
	bound := c.Census.Bound && known.bound() != e.Flags.Has(event.OwnedByBind)
	if known.Proc.Known() {
		e.Proc = known.Proc
	}
	if known.Direction != event.Unknown {
		e.Direction = known.Direction
	}
	e.Flags = e.Flags&^event.BeforeStart | known.Flags&event.BeforeStart
	return !same || owner || bound || e.State == event.StateTimeWait && known.another(e)
}

// class puts the states together that the stream does not tell apart.
func class(s event.State) event.State {
	switch s {
	case event.StateTimeWait, event.StateSynSent, event.StateCloseWait:
		return s
	}
	return event.StateEstablished
}

// another reports whether the bucket's timer was set anew: the peer's FIN has come.
func (s *Socket) another(found *event.Event) bool {
	return (s.Flags ^ found.Flags).Has(event.FinWait2) || farApart(s.Ends, found.Last)
}

// farApart reports whether the timer was set anew: predictions are off by up to a second.
func farApart(a, b event.Time) bool {
	d := a.Sub(b)
	return d > 3*time.Second || d < -3*time.Second
}

// miss tells of what the table has and the census has not found.
func (c *comparison) miss() {
	n := c.table.Netns(c.Census.Netns)
	if c.Census.Bound {
		for _, port := range slices.Sorted(maps.Keys(n.owned)) {
			o := n.owned[port]
			if p := (Port{ID{Netns: c.Census.Netns}, port}); o.State != 0 && o.look != c.table.looks && c.coversOwned(p, o) {
				c.gone(p, event.Unknown)
			}
		}
	}
	var missed []uint16
	for _, s := range c.table.of(n) {
		missed = missed[:0]
		for port, socket := range s.Each() {
			if socket.look != c.table.looks && c.covers(Port{s.ID, port}) {
				missed = append(missed, port)
			}
		}
		slices.Sort(missed)
		for _, port := range missed {
			c.gone(Port{s.ID, port}, s.sockets[uint32(port)].Direction)
		}
	}
}

// covers reports whether the census would have found what it says of a port.
func (c *comparison) covers(p Port) bool {
	return (!c.Ports.Known() || c.Ports.Holds(p.Port)) && !c.Unsettled(p)
}

// coversOwned reports the same of a port that a bind() owns: those that are only bound are
// found wherever they are.
func (c *comparison) coversOwned(p Port, o *Owned) bool {
	return c.covers(p) || o.State == event.StateBound && !c.Unsettled(p)
}

func (c *comparison) gone(p Port, direction event.Direction) {
	c.made = append(c.made, event.Event{
		Time: c.At, Kind: event.SocketGone, Direction: direction, Proto: event.TCP, Netns: p.Netns, Device: p.Device,
		Src: event.Endpoint{Addr: p.Local, Port: p.Port}, Dst: p.Remote, Count: 1,
	})
}

// Sockets appends all sockets of a namespace as SocketFound events, for whoever begins to
// read the stream here.
func (t *Table) Sockets(dst []event.Event, netns uint32, at event.Time) []event.Event {
	n := t.Netns(netns)
	list := slices.Grow(dst, t.Held(netns))
	base := event.Event{Time: at, Kind: event.SocketFound, Proto: event.TCP, Netns: netns, Count: 1}
	for _, port := range slices.Sorted(maps.Keys(n.owned)) {
		o := n.owned[port]
		if o.State == 0 {
			continue
		}
		e := base
		e.State, e.Proc, e.Src, e.Flags = o.State, o.Proc, event.Endpoint{Addr: o.Local, Port: port}, event.OwnedByBind
		if o.Before {
			e.Flags |= event.BeforeStart
		}
		list = append(list, e)
	}
	for _, s := range t.of(n) {
		for _, port := range slices.Sorted(maps.Keys(s.sockets)) {
			list = append(list, s.sockets[port].event(base, s.ID, uint16(port)))
		}
	}
	return list
}

// of are the spaces of a namespace, in order: the same table tells the same stream.
func (t *Table) of(n *Netns) []*Space {
	var list []*Space
	for _, s := range t.spaces {
		if s.net == n {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *Space) int { return a.Compare(b.ID) })
	return list
}

func (s Socket) event(base event.Event, id ID, port uint16) event.Event {
	e := base
	e.State, e.Direction, e.Proc, e.Cookie, e.Flags = s.State, s.Direction, s.Proc, s.Cookie, s.Flags
	e.Src, e.Dst, e.Device = event.Endpoint{Addr: id.Local, Port: port}, id.Remote, id.Device
	if s.State == event.StateTimeWait {
		e.First, e.Last = base.Time, s.Ends
	}
	return e
}
