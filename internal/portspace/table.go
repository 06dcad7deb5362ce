package portspace

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// TimeWaitLength is TCP_TIMEWAIT_LEN of include/net/tcp.h. tcp_fin_timeout does not
	// change it.
	TimeWaitLength = 60 * time.Second
	// TimeWaitLife is how long a bucket takes a port away from a space that is full all the
	// time. The timer wheel of kernel/time/timer.c rounds TimeWaitLength up to its next step,
	// and the next connection takes the port at that step: 30 of 2.048 s at 250 Hz, 15 of
	// 4.096 s at 1000 Hz, 12 of 5.12 s at 100 Hz. 256 ports gave 256 opens every 61.5 s.
	TimeWaitLife = 61440 * time.Millisecond
)

// maxSpare is how many spaces are kept to be used again.
const maxSpare = 64

// Limit is how many sockets a Table follows by default: some 12 MiB.
const Limit = 1 << 17

// Table is all port spaces. It is for one goroutine.
type Table struct {
	spaces   map[ID]*Space
	numbered map[uint32]*Space // the same, by number
	made     uint32
	nets     map[uint32]*Netns
	ends     ends
	now      event.Time
	limit    int
	sockets  int
	looks    uint32   // censuses that were compared
	last     *Space   // that of the event before, mostly that of the next
	spare    []*Space // have come empty: many a connection is the only one of its space
	lastNet  *Netns
}

// New is an empty table that follows so many sockets.
func New(limit int) *Table {
	return &Table{spaces: map[ID]*Space{}, numbered: map[uint32]*Space{}, nets: map[uint32]*Netns{}, limit: limit}
}

// Add takes an event of the stream. Those that are about no TCP port change nothing.
func (t *Table) Add(e *event.Event) {
	t.Advance(e.Time)
	switch fact := e.Fact.(type) {
	case *event.Netns:
		t.configure(fact)
		return
	case *event.Census:
		t.census(e, fact)
		return
	case *event.Gap:
		for _, n := range t.nets {
			n.doubted = true
		}
		return
	}
	if e.Proto != event.TCP {
		return
	}
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
	case event.SocketFound:
		t.found(e)
	case event.SocketGone:
		t.gone(e)
	}
}

// Advance moves the time on: buckets end.
func (t *Table) Advance(now event.Time) {
	if now <= t.now {
		return
	}
	t.now = now
	if second(now) > t.ends.done {
		t.ends.until(now, t.expire)
	}
}

// expire ends a bucket, or puts that off.
func (t *Table) expire(x end) {
	s := t.numbered[x.space]
	if s == nil {
		return
	}
	socket, is := s.sockets[uint32(x.port)]
	switch {
	case !is || socket.State != event.StateTimeWait:
	case socket.Ends > t.now:
		if second(socket.Ends) <= t.ends.done { // else it is noted where it belongs
			t.ends.add(x, socket.Ends)
		}
	default:
		t.drop(s, x.port, &socket)
	}
}

// Netns is what is known of a namespace; never nil.
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

// Held is how many sockets of a namespace are known.
func (t *Table) Held(netns uint32) int {
	n := t.Netns(netns)
	return n.sockets + len(n.owned)
}

// EachNetns calls f for every namespace, in no order.
func (t *Table) EachNetns(f func(*Netns)) {
	for _, n := range t.nets {
		f(n)
	}
}

// Each calls f for every space that a socket holds a port of, in no order.
func (t *Table) Each(f func(*Space)) {
	for _, s := range t.spaces {
		f(s)
	}
}

// Find is the space with that name. One without sockets is made for the occasion.
func (t *Table) Find(id ID) *Space {
	if s := t.spaces[id]; s != nil {
		return s
	}
	return &Space{ID: id, net: t.Netns(id.Netns)}
}

// Restart lets the peaks begin anew.
func (t *Table) Restart() {
	for _, s := range t.spaces {
		s.Peak, s.PeakAt = 0, 0
		s.filled(t.now)
	}
}

func (t *Table) configure(fact *event.Netns) {
	n := t.Netns(fact.Inode)
	if n.fact.Cookie != 0 && fact.Cookie != 0 && n.fact.Cookie != fact.Cookie {
		t.forget(fact.Inode) // the inode has passed to another namespace
		n = t.Netns(fact.Inode)
	}
	if !n.configure(fact) {
		return
	}
	for _, s := range t.spaces {
		if s.net == n {
			s.recount()
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
	n.inRange, n.sockets, n.bound = 0, 0, growth{}
}

func (t *Table) census(e *event.Event, fact *event.Census) {
	n := t.Netns(fact.Netns)
	if fact.Whole && n.doubted { // otherwise nothing new follows
		t.forget(fact.Netns)
		n.doubted = false
	}
	n.Census, n.CensusAt = *fact, e.Time
}

// Crowded reports whether there is room for no more sockets: what is said of spaces is a
// lower bound then.
func (t *Table) Crowded() bool { return t.sockets >= t.limit }

// Counts reports whether the event's socket could take a port from a connect(): an
// accepted one outside the range does not.
func (t *Table) Counts(e *event.Event) bool {
	if e.Src.Port == 0 || e.Proto != event.TCP {
		return false
	}
	n := t.Netns(e.Netns)
	return e.Direction == event.Out || n.usable.has(e.Src.Port)
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

func (t *Table) open(e *event.Event) {
	early := e.Flags.Has(event.EarlyBind)
	socket := Socket{
		State: event.StateEstablished, Direction: event.Out, Proc: e.Proc, Cookie: e.Cookie,
	}
	if e.Flags.Has(event.Unanswered) {
		socket.State = event.StateSynSent
	}
	if early {
		socket.Flags = event.OwnedByBind
		n := t.Netns(e.Netns)
		if o := n.owned[e.Src.Port]; o != nil && o.State == event.StateBound {
			n.become(o, 0, e) // the socket that was only bound is this one
		}
	}
	t.put(e, &socket)
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

// put gives the socket its port, in place of what held it.
func (t *Table) put(e *event.Event, socket *Socket) {
	if !t.Counts(e) {
		return
	}
	s := t.space(e)
	if s == nil {
		s = t.newSpace(e)
	}
	port := e.Src.Port
	old, is := s.sockets[uint32(port)]
	if !is && t.Crowded() {
		return
	}
	if is {
		s.count(port, &old, -1)
	} else {
		t.sockets++
		s.net.sockets++
	}
	if socket.State == event.StateTimeWait {
		socket.Ends = min(socket.Ends, t.now.Add((slots-2)*time.Second))
		t.ends.add(end{s.number, port}, socket.Ends)
	}
	s.sockets[uint32(port)] = *socket
	s.count(port, socket, 1)
	if is && old.bound() != socket.bound() || !is && socket.bound() {
		t.hold(s, port, socket)
	}
	s.filled(e.Time) // and not t.now, which a snapshot moves on
}

// hold notes that a socket keeps a port for the bind() that owns it, or no longer does.
func (t *Table) hold(s *Space, port uint16, socket *Socket) {
	if !socket.bound() {
		t.release(s, port)
		return
	}
	o := s.net.own(port)
	o.sockets++
	if o.sockets == 1 && o.State == 0 {
		o.Proc, o.Local, o.Before = socket.Proc, s.Local, socket.Flags.Has(event.BeforeStart)
	}
}

func (t *Table) release(s *Space, port uint16) {
	if o := s.net.owned[port]; o != nil {
		o.sockets--
		s.net.disown(port)
	}
}

// drop takes the socket at a port out of its space, and ends a space that nobody uses.
func (t *Table) drop(s *Space, port uint16, socket *Socket) {
	s.count(port, socket, -1)
	delete(s.sockets, uint32(port))
	t.sockets--
	s.net.sockets--
	if socket.bound() {
		t.release(s, port)
	}
	if s.Full != 0 {
		s.filled(s.Full)
	}
	if s.Empty() {
		delete(t.spaces, s.ID)
		delete(t.numbered, s.number)
		if t.last == s {
			t.last = nil
		}
		if s.Peak <= 8 && len(t.spare) < maxSpare { // a map keeps the room that it once had
			t.spare = append(t.spare, s)
		}
	}
}

func (t *Table) remove(e *event.Event) {
	if s := t.space(e); s != nil {
		if socket, is := s.sockets[uint32(e.Src.Port)]; is {
			t.drop(s, e.Src.Port, &socket)
		}
	}
}

// move changes the state of a socket that is known.
func (t *Table) move(e *event.Event, to event.State) {
	s := t.space(e)
	if s == nil {
		return
	}
	if socket, is := s.sockets[uint32(e.Src.Port)]; is {
		s.count(e.Src.Port, &socket, -1)
		socket.State = to
		s.sockets[uint32(e.Src.Port)] = socket
		s.count(e.Src.Port, &socket, 1)
	}
}

// close turns the connection into its bucket, or frees the port.
func (t *Table) close(e *event.Event) {
	if e.Flags&(event.TimeWait|event.FinWait2) == 0 {
		t.remove(e)
		return
	}
	socket := Socket{Direction: e.Direction, Proc: e.Proc, Cookie: e.Cookie}
	if e.Direction == event.In {
		socket.Flags = event.OwnedByBind
	}
	if s := t.space(e); s != nil {
		known, is := s.sockets[uint32(e.Src.Port)]
		switch {
		case !is:
		case known.State != event.StateTimeWait:
			known.Cookie = cmp.Or(e.Cookie, known.Cookie)
			socket = known
		case known.closed > e.Time: // told late, as orphans are: the next connection has ended, too
			return
		}
	}
	socket.State, socket.closed = event.StateTimeWait, e.Time
	socket.Flags &^= event.FinWait2
	if e.Flags.Has(event.FinWait2) && e.Inferred&event.FieldTimeWait == 0 { // a peer that is done sends its FIN at once
		socket.Flags |= event.FinWait2
	}
	socket.Ends = t.Netns(e.Netns).TimeWaitEnds(e.Time)
	if socket.Ends > t.now {
		t.put(e, &socket)
	}
}

func (t *Table) bind(e *event.Event, state event.State) {
	if e.Src.Port == 0 {
		return
	}
	n := t.Netns(e.Netns)
	o := n.own(e.Src.Port)
	n.become(o, state, e)
	o.Proc, o.Local, o.Before = e.Proc, e.Src.Addr, e.Flags.Has(event.BeforeStart)
}

func (t *Table) found(e *event.Event) {
	if e.State == event.StateBound || e.State == event.StateListen {
		t.bind(e, e.State)
		return
	}
	t.put(e, &Socket{
		State: e.State, Direction: e.Direction, Flags: e.Flags & kept, Proc: e.Proc, Cookie: e.Cookie, Ends: e.Last,
	})
}

func (t *Table) gone(e *event.Event) {
	if e.Dst.Known() {
		t.remove(e)
		return
	}
	n := t.Netns(e.Netns)
	if o := n.owned[e.Src.Port]; o != nil {
		n.become(o, 0, e)
		n.disown(e.Src.Port)
	}
}
