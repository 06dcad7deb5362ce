package portspace

import (
	"github.com/porttrace/porttrace/internal/event"
)

// Port is a port of a space; that of a socket which is only bound has no remote end.
type Port struct {
	ID
	Port uint16
}

// PortOf returns the port that the event is about. A socket without a remote port is only
// bound: the remote address of a listener can be the wildcard of IPv4.
func PortOf(e *event.Event) Port {
	id := IDOf(e)
	if e.Dst.Port == 0 {
		id = ID{Netns: e.Netns}
	}
	return Port{id, e.Src.Port}
}

// Hash returns a hash that cannot be foreseen without the seed.
func (p *Port) Hash(seed uint64) uint64 { return mix(p.hash(seed)^uint64(p.Port), seed) }

// Socket holds a port of a connect space: a connection, or its TIME_WAIT bucket.
type Socket struct {
	State     event.State
	Direction event.Direction
	Flags     event.Flags // of those in keptFlags
	port      uint16
	Proc      event.ProcID
	Cookie    uint64
	Expiry    event.Time // of a TIME_WAIT: when the kernel will end it
	Closed    event.Time // when a close of the stream made the bucket; 0: none did, a scan found it
}

// keptFlags are the flags of a socket: a bind() owns its port, so no other connect() can
// take that; it is older than the trace; its bucket waits for the peer's FIN, or has no
// timestamp and cannot be reused; the user's filter leaves it out.
const keptFlags = event.OwnedByBind | event.BeforeStart | event.FinWait2 | event.NoTimestamps | event.NotSelected

func (s *Socket) owned() bool { return s.Flags.Has(event.OwnedByBind) }

// socket returns the socket that holds a port, nil if none does. It is valid until the table
// changes.
func (t *Table) socket(p Port) *Socket {
	if s := t.spaces.find(&p.ID); s != nil {
		return s.socket(p.Port)
	}
	return nil
}

// put gives the socket its port, in place of what held it before. At the table's limit a
// socket with a new port is dropped.
func (t *Table) put(e *event.Event, socket *Socket) {
	if !t.follows(e) {
		return
	}
	s, port := t.space(e), e.Src.Port
	var place *Socket
	if s != nil {
		place = s.socket(port)
	}
	is := place != nil
	if !is && t.AtLimit() {
		return
	}
	if s == nil {
		s = t.newSpace(e)
	}
	t.change.Is = socket.State
	var old Socket
	if is {
		old = *place
		t.change.note(e, &old)
		if e.Kind == event.SocketFound {
			s.orphans.noteFound(&old, socket)
		}
		s.count(port, &old, -1)
		s.net.track(&old, -1)
	} else {
		place = &t.sockets.add(s, port).Socket
		s.net.sockets++
	}
	if socket.State == event.StateTimeWait {
		socket.Expiry = min(socket.Expiry, t.now.Add(s.net.longestBucket()))
		t.expiries.schedule(expiry{s.number, s.birth, port}, socket.Expiry)
	}
	s.noteTaken(e, socket, &old, is)
	s.known = nil
	socket.port = port
	*place = *socket
	s.count(port, socket, 1)
	s.net.track(socket, 1)
	if !is || old.owned() || socket.owned() { // else the port is kept as it was
		if is {
			s.removeKeeper(port, &old, socket.owned())
		}
		s.addKeeper(port, socket, e.Time)
	}
	s.updatePeak(e.Time)
}

// noteTaken keeps when a port was taken last, and what the newest bucket is like.
func (s *Space) noteTaken(e *event.Event, socket, old *Socket, is bool) {
	if !is {
		old = nil
	}
	if s.takes(e.Src.Port, socket, old) {
		s.tookAt = e.Time // and not t.now, which a snapshot moves on
	}
	if socket.State == event.StateTimeWait {
		s.stampless = socket.Flags.Has(event.NoTimestamps)
	}
}

// drop takes a socket out of its space, and ends a space that is empty then.
func (t *Table) drop(s *Space, socket Socket) {
	s.known = nil
	s.count(socket.port, &socket, -1)
	s.net.track(&socket, -1)
	t.sockets.remove(s, socket.port)
	s.net.sockets--
	s.removeKeeper(socket.port, &socket, false)
	if s.Empty() {
		t.spaces.remove(s)
		if t.last == s {
			t.last = nil
		}
		if len(t.spare) < maxSpare {
			t.spare = append(t.spare, s)
		}
	}
}

// isOf reports whether the event is about this socket and not another that has, had or wants
// the same 4-tuple. Cookies decide. Where the kernel gives programs none (before 6.1), an
// outgoing connection keeps the process that has opened it, and a bucket is no connection
// any more: only a bucket that follows it, or a scan, can change it.
func (s *Socket) isOf(e *event.Event) bool {
	switch {
	case e.Kind == event.SocketGone: // comes from the table itself
		return true
	case s.Cookie != 0 && e.Cookie != 0:
		return s.Cookie == e.Cookie
	case s.State == event.StateTimeWait:
		return false
	case s.Direction == event.Out && e.Direction == event.Out && s.Proc.Known() && e.Proc.Known():
		return s.Proc == e.Proc
	}
	return true
}

func (t *Table) remove(e *event.Event) {
	if s := t.space(e); s != nil {
		if socket := s.socket(e.Src.Port); socket != nil && socket.isOf(e) {
			t.change.note(e, socket)
			if e.Kind == event.SocketGone {
				s.orphans.noteEnded(socket)
			}
			t.drop(s, *socket)
		}
	}
}

// move changes the state of a socket that is known.
func (t *Table) move(e *event.Event, to event.State) {
	s := t.space(e)
	if s == nil {
		return
	}
	if socket := s.socket(e.Src.Port); socket != nil && socket.isOf(e) {
		s.count(e.Src.Port, socket, -1)
		s.net.track(socket, -1)
		t.change.note(e, socket)
		socket.State = to
		s.known = nil
		t.change.Is = to
		s.count(e.Src.Port, socket, 1)
		s.net.track(socket, 1)
	}
}
