package portspace

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// maxSpare is how many spaces are kept to be used again.
const maxSpare = 64

// Limit is how many sockets a Table follows by default: some 12 MiB.
const Limit = 1 << 17

// Table is all port spaces and the sockets that hold their ports. It is for one goroutine.
type Table struct {
	spaces   map[ID]*Space
	numbered map[uint32]*Space // the same, by number
	made     uint32
	nets     map[uint32]*Netns
	expiries expiryQueue
	now      event.Time
	limit    int
	sockets  int
	scans    uint32   // that were compared
	last     *Space   // that of the event before, mostly that of the next
	spare    []*Space // have come empty: many a connection is the only one of its space
	lastNet  *Netns
	change   Change // by the last event
	// For how long holders may still be searched for, as of searchedAt: see maySearch.
	searchTime time.Duration
	searchedAt event.Time
	gone       map[uint32]event.Time // namespaces that exist no more, and since when
}

// New returns an empty table that follows at most limit sockets.
func New(limit int) *Table {
	return &Table{
		spaces: map[ID]*Space{}, numbered: map[uint32]*Space{}, nets: map[uint32]*Netns{}, gone: map[uint32]event.Time{}, limit: limit,
		searchTime: time.Second,
	}
}

// Add applies an event of the stream. Those that are about no TCP port change nothing.
func (t *Table) Add(e *event.Event) {
	t.Advance(e.Time)
	t.change = Change{}
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
	}
	t.now = now
}

// Netns returns what is known of a namespace; never nil.
func (t *Table) Netns(inode uint32) *Netns {
	if t.lastNet != nil && t.lastNet.fact.Inode == inode {
		return t.lastNet
	}
	n := t.nets[inode]
	if n == nil {
		n = newNetns(inode)
		t.nets[inode] = n
	}
	t.lastNet = n
	return n
}

// Known returns how many sockets and bound ports of a namespace are known.
func (t *Table) Known(netns uint32) int {
	n := t.Netns(netns)
	return n.sockets + len(n.owned)
}

// EachNetns calls f for every namespace, in no order.
func (t *Table) EachNetns(f func(*Netns)) {
	for _, n := range t.nets {
		f(n)
	}
}

// Each calls f for every space in which a socket holds a port, in no order.
func (t *Table) Each(f func(*Space)) {
	for _, s := range t.spaces {
		f(s)
	}
}

// Find returns the space with that ID. One without sockets is made for the call.
func (t *Table) Find(id ID) *Space {
	if s := t.spaces[id]; s != nil {
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
	for _, s := range t.spaces {
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
	if n.configure(fact) {
		n.narrowedAt = at
		for _, s := range t.spaces {
			if s.net == n {
				s.recount()
			}
		}
	}
	t.trim(n)
	n.limited.update(n)
}

// GoneKept is for how long a namespace that exists no more is known.
const GoneKept = time.Minute

// noteGone notes whether the namespace exists. One that does not has no sockets.
func (t *Table) noteGone(fact *event.Netns) {
	_, was := t.gone[fact.Inode]
	switch {
	case !fact.Gone:
		delete(t.gone, fact.Inode)
	case !was:
		t.gone[fact.Inode] = t.now
		t.forget(fact.Inode)
	}
}

func (t *Table) dropGone(now event.Time) {
	for inode, since := range t.gone {
		if now.Sub(since) >= GoneKept {
			t.forget(inode)
			delete(t.nets, inode)
			delete(t.gone, inode)
			t.lastNet = nil
		}
	}
}

// forget drops all sockets of a namespace, but not its configuration.
func (t *Table) forget(inode uint32) {
	n := t.nets[inode]
	for id, s := range t.spaces {
		if s.net == n {
			t.sockets -= len(s.sockets)
			delete(t.spaces, id)
			delete(t.numbered, s.number)
		}
	}
	t.last = nil
	clear(n.owned)
	clear(n.accepted)
	clear(n.listeners)
	n.chosen = portCounts{}
	n.takeovers++
	n.waiting, n.inRange, n.sockets, n.buckets, n.attributed, n.bound = 0, 0, 0, 0, 0, growth{}
	n.gauges = Gauges{}
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
func (t *Table) AtLimit() bool { return t.sockets >= t.limit }

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
	return e.Kind == event.SocketFound && e.Direction == event.In && t.sockets < t.limit/2 &&
		(e.Flags.Has(event.BeforeStart) || e.State == event.StateCloseWait)
}

func (t *Table) space(e *event.Event) *Space {
	id := IDOf(e)
	if t.last != nil && t.last.ID == id {
		return t.last
	}
	s := t.spaces[id]
	if s != nil {
		t.last = s
	}
	return s
}

func (t *Table) newSpace(e *event.Event) *Space {
	s := &Space{sockets: map[uint32]Socket{}}
	if n := len(t.spare); n > 0 {
		s, t.spare = t.spare[n-1], t.spare[:n-1]
	}
	t.made++
	*s = Space{ID: IDOf(e), number: t.made, net: t.Netns(e.Netns), sockets: s.sockets}
	t.spaces[s.ID], t.numbered[s.number] = s, s
	t.last = s
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
		n := t.Netns(e.Netns)
		if o := n.owned[e.Src.Port]; o != nil && o.State == event.StateBound {
			n.setOwnedState(o, 0, e) // the socket that was only bound is this one
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
	if known, is := t.socket(PortOf(e)); is && known.Cookie == e.Cookie {
		// A recording that began in the middle of a run knows of more sockets that they are older
		// than the run, which finds them again.
		socket.Flags |= known.Flags & event.BeforeStart
		if e.State == event.StateTimeWait && known.State == e.State {
			socket.Closed = known.Closed // the same bucket
		}
	}
	t.put(e, &socket)
}
