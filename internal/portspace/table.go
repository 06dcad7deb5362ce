package portspace

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// maxSpare is how many spaces are kept to be used again.
const maxSpare = 64

// Limit is how many sockets a Table follows by default: some 10 MiB, see doc.go.
const Limit = 1 << 17

// Table is all port spaces and the sockets that hold their ports. It is for one goroutine.
type Table struct {
	spaces     spaces
	sockets    *sockets
	nets       map[uint32]*Netns
	expiries   expiryQueue
	now        event.Time
	limit      int
	scans      uint32 // that were compared
	seen       seen   // what the last one has found
	last       *Space // that of the event before, mostly that of the next
	without    ID     // if isWithout: one that there is not. An accepted connection has some events and no space
	isWithout  bool
	spare      []*Space // have come empty: many a connection is the only one of its space
	lastNet    *Netns
	configured *Netns // last
	change     Change // by the last event
	changed    uint32 // the number of its space
	// For how long holders may still be searched for, as of searchedAt: see maySearch.
	searchTime time.Duration
	searchedAt event.Time
	gone       map[uint32]event.Time // namespaces that exist no more, and since when
}

// New returns an empty table that follows at most limit sockets.
func New(limit int) *Table {
	return &Table{
		spaces: newSpaces(), sockets: newSockets(), nets: map[uint32]*Netns{}, gone: map[uint32]event.Time{}, limit: limit,
		searchTime: time.Second,
	}
}

// Add applies an event of the stream. Those that are about no TCP port change nothing.
func (t *Table) Add(e *event.Event) {
	t.Advance(e.Time)
	t.change, t.changed = Change{}, 0
	switch fact := e.Fact.(type) {
	case *event.Netns:
		t.configure(fact, e.Time)
		return
	case *event.Census:
		t.census(e, fact)
		return
	case *event.Gap:
		for _, n := range t.nets {
			n.incomplete = true
		}
		return
	}
	if e.Proto == event.TCP {
		t.addSocket(e)
	}
}

func (t *Table) addSocket(e *event.Event) {
	switch e.Kind {
	case event.Open:
		t.open(e)
	case event.Close:
		t.close(e)
	case event.ConnectFail:
		if e.Flags.Has(event.HadPort) {
			t.remove(e)
		}
	case event.SynUnanswered:
		t.move(e, event.StateSynSent)
	case event.SynAnswered:
		t.move(e, event.StateEstablished)
	case event.EnterCloseWait:
		t.move(e, event.StateCloseWait)
	case event.Bind:
		t.bind(e, event.StateBound)
	case event.Listen:
		t.bind(e, event.StateListen)
	case event.ListenEnd:
		t.unbind(e)
	case event.BindFail:
		t.listenFailed(e)
	case event.Folded:
		if f, ok := e.Fact.(*event.Fold); ok {
			t.claim(e, f)
		}
	case event.SocketFound:
		t.found(e)
	case event.SocketGone:
		if e.Dst.Known() {
			t.remove(e)
		} else {
			t.unbind(e)
		}
	}
}

// Advance moves the time on: buckets expire. A time before the table's own changes nothing.
// Those that have expired by the beginning of the second are dropped then, the others with the
// next one: what is in the table must not depend on when a snapshot moves the time on.
func (t *Table) Advance(now event.Time) {
	if now <= t.now {
		return
	}
	if begun := second(now); begun > t.expiries.done {
		t.now = event.Time(begun * int64(time.Second))
		t.expiries.advance(t.now, t.expire)
		t.dropGone(t.now)
		t.compact()
	}
	t.now = now
}

// compact gives back the room that a storm has taken, once most of it is free.
func (t *Table) compact() {
	if t.sockets.isRoomy() {
		t.sockets.compact(t.spaces.all())
	}
	if t.spaces.isRoomy() {
		t.spaces.compact()
	}
}

// Netns returns what is known of a namespace; never nil.
func (t *Table) Netns(inode uint32) *Netns {
	if t.lastNet != nil && t.lastNet.fact.Inode == inode {
		return t.lastNet
	}
	n := t.nets[inode]
	if n == nil {
		n = newNetns(inode)
		n.store = t.sockets
		t.nets[inode] = n
	}
	t.lastNet = n
	return n
}

// Known returns how many sockets and bound ports of a namespace are known.
func (t *Table) Known(netns uint32) int {
	n := t.Netns(netns)
	known := n.sockets
	for _, b := range n.allBinds() {
		known += len(b.owned)
	}
	return known
}

// EachNetns calls f for every namespace, in no order.
func (t *Table) EachNetns(f func(*Netns)) {
	for _, n := range t.nets {
		f(n)
	}
}

// Each calls f for every space in which a socket holds a port, in no order.
func (t *Table) Each(f func(*Space)) {
	for s := range t.spaces.all() {
		f(s)
	}
}

// Find returns the space with that ID. One without sockets is made for the call.
func (t *Table) Find(id ID) *Space {
	if s := t.spaces.find(&id); s != nil {
		return s
	}
	return &Space{ID: id, net: t.Netns(id.Netns)}
}

// RestartPeaks lets the peaks begin with what is in use now, and the counts of refused
// buckets with zero.
func (t *Table) RestartPeaks() {
	for _, n := range t.nets {
		n.refusedBefore = n.fact.Refused
	}
	for s := range t.spaces.all() {
		s.Peak, s.PeakAt = 0, 0
		s.updatePeak(t.now)
	}
}

func (t *Table) configure(fact *event.Netns, at event.Time) {
	n := t.Netns(fact.Inode)
	if n.fact.Cookie != 0 && fact.Cookie != 0 && n.fact.Cookie != fact.Cookie { // the inode has passed to another namespace
		if !n.fact.Gone { // else that was done
			t.forget(fact.Inode)
		}
		n.length, n.lengthFrom, n.limited, n.refusedBefore = 0, 0, bucketLimit{}, 0
	}
	t.noteGone(fact)
	if n.fact.Ports.Known() && fact.Ports.Known() && n.fact.TimeWaitSetting != fact.TimeWaitSetting {
		n.setSince(at)
	}
	vrfs := n.fact.VRFs
	changed := n.configure(fact, t.configured)
	switch {
	case n.fact.VRFs != vrfs:
		t.divide(n)
	case changed:
		for s := range t.spaces.of(n) {
			s.recount()
		}
	}
	if changed {
		n.narrowedAt = at
	}
	t.configured = n
	t.trim(n)
	n.limited.update(n)
}

func (t *Table) census(e *event.Event, fact *event.Census) {
	n := t.Netns(fact.Netns)
	if fact.Whole && n.incomplete { // otherwise nothing new follows
		t.forget(fact.Netns)
		n.incomplete = false
	}
	n.scanned()
	n.Census, n.CensusAt = *fact, e.Time
	n.setLength(time.Duration(fact.TimeWait))
}

// AtLimit reports whether there is room for no more sockets: occupancies are lower bounds
// then.
func (t *Table) AtLimit() bool { return t.sockets.used >= t.limit }

// Limit returns how many sockets the table follows.
func (t *Table) Limit() int { return t.limit }

// OccupiesRange reports whether the event's socket could take a port from a connect(): an
// accepted one outside the range does not.
func (t *Table) OccupiesRange(e *event.Event) bool {
	if e.Src.Port == 0 || e.Proto != event.TCP {
		return false
	}
	n := t.Netns(e.Netns)
	return e.Direction == event.Out || n.usable.has(e.Src.Port)
}

// follows reports whether the table keeps a socket: if it occupies the range, or is an
// accepted connection that a scan has found and that rows count, because it is older than the
// trace or in CLOSE_WAIT. Such ones fill no more than half of the table.
func (t *Table) follows(e *event.Event) bool {
	if t.OccupiesRange(e) {
		return true
	}
	return e.Kind == event.SocketFound && e.Direction == event.In && t.sockets.used < t.limit/2 &&
		(e.Flags.Has(event.BeforeStart) || e.State == event.StateCloseWait)
}

func (t *Table) space(e *event.Event) *Space {
	id := IDOf(e)
	if t.last != nil && t.last.ID == id {
		t.changed = t.last.number
		return t.last
	}
	if t.isWithout && t.without == id {
		return nil
	}
	s := t.spaces.find(&id)
	if s != nil {
		t.last, t.changed = s, s.number
	} else {
		t.without, t.isWithout = id, true
	}
	return s
}

func (t *Table) newSpace(e *event.Event) *Space {
	var s *Space
	if n := len(t.spare); n > 0 {
		s, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		s = &Space{}
	}
	*s = Space{ID: IDOf(e), net: t.Netns(e.Netns)}
	t.spaces.add(s)
	t.last, t.changed, t.isWithout = s, s.number, false
	return s
}

func (t *Table) open(e *event.Event) {
	socket := Socket{
		State: event.StateEstablished, Direction: event.Out, Flags: e.Flags & event.NotSelected, Proc: e.Proc, Cookie: e.Cookie,
	}
	if e.Flags.Has(event.Unanswered) {
		socket.State = event.StateSynSent
	}
	if e.Flags.Has(event.EarlyBind) {
		socket.Flags |= event.OwnedByBind
		b := t.Netns(e.Netns).Binds(e.Device)
		if o := b.owned[e.Src.Port]; o != nil && o.State == event.StateBound {
			b.setOwnedState(o, 0, e) // the socket that was only bound is this one
		}
	}
	t.put(e, &socket)
}

// found takes a socket as a scan has seen it.
func (t *Table) found(e *event.Event) {
	if e.State == event.StateBound || e.State == event.StateListen {
		t.bind(e, e.State)
		return
	}
	if !t.follows(e) {
		t.remove(e)
		return
	}
	socket := Socket{
		State: e.State, Direction: e.Direction, Flags: e.Flags & keptFlags, Proc: cmp.Or(e.Proc, e.Listener), Cookie: e.Cookie, Expiry: e.Last,
	}
	if known := t.socket(PortOf(e)); known != nil && known.Cookie == e.Cookie {
		// A recording that began in the middle of a run knows of more sockets that they are older
		// than the run, which finds them again.
		socket.Flags |= known.Flags & event.BeforeStart
		if e.State == event.StateTimeWait && known.State == e.State {
			socket.Closed = known.Closed // the same bucket
		}
	}
	t.put(e, &socket)
}
