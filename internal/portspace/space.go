package portspace

import (
	"bytes"
	"cmp"
	"iter"

	"github.com/porttrace/porttrace/internal/event"
)

// ID identifies a connect space.
type ID struct {
	Netns  uint32
	Device uint32 // that its sockets are bound to, 0: none
	Local  event.Addr
	Remote event.Endpoint
}

// IDOf returns the space in which the event's socket holds a port.
func IDOf(e *event.Event) ID {
	return ID{Netns: e.Netns, Device: e.Device, Local: e.Src.Addr, Remote: e.Dst}
}

// Compare orders spaces by namespace, remote end, local address and device.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Netns, other.Netns), compareEndpoints(id.Remote, other.Remote),
		bytes.Compare(id.Local[:], other.Local[:]), cmp.Compare(id.Device, other.Device))
}

func compareEndpoints(a, b event.Endpoint) int {
	return cmp.Or(bytes.Compare(a.Addr[:], b.Addr[:]), cmp.Compare(a.Port, b.Port))
}

// Space is a connect space and the sockets that hold its ports. There can be as many as sockets: a
// scan of a network has one in each. So it is 152 bytes long, without padding.
type Space struct {
	ID
	number    uint32 // in spaces; 0: no socket holds a port of it
	chain     uint32 // the number of the next space with the same hash
	next      uint32 // the numbers of those of the same namespace
	prev      uint32
	birth     uint16 // distinguishes it from the last spaces that had its number
	selected  bool   // an allocation that the user's filter selects was seen
	stampless bool   // the newest bucket cannot be reused, for want of TCP timestamps
	net       *Netns
	first     uint32 // the record of its first socket, 0: it has none
	held      int32  // its sockets
	tally     tally

	Peak   int        // the most ports in use after an allocation
	PeakAt event.Time // and when that was

	tookAt   event.Time // when a socket last took a port that was free
	orphans  orphans
	shared   int32  // see takenOver
	sharedAt uint32 // the bind table's takeovers when that was counted

	known *figures // nil: a socket has changed since they were counted
}

// tally counts the sockets of a space whose ports lie in the range.
type tally struct {
	live, synSent, closeWait, timeWait int32
	finWait2                           int32 // of timeWait: it waits for the peer's FIN
	owned                              int32 // of live and timeWait: a bind() owns the port, too
}

func (t *tally) add(socket *Socket, n int32) {
	if socket.State == event.StateTimeWait {
		t.timeWait += n
		if socket.Flags.Has(event.FinWait2) {
			t.finWait2 += n
		}
	} else {
		t.live += n
	}
	switch socket.State {
	case event.StateSynSent:
		t.synSent += n
	case event.StateCloseWait:
		t.closeWait += n
	}
	if socket.owned() {
		t.owned += n
	}
}

// Owns reports whether a bind() owns the port, so that no connect() of the space can take it.
func (s *Space) Owns(port uint16) bool { return s.Binds().Owns(port) }

// Binds returns the bind table in which the space's sockets search for ports. It is valid until the
// table changes.
func (s *Space) Binds() *BindTable { return s.net.Binds(s.Device) }

// All returns the space as sockets see it that use the range of the namespace.
func (s *Space) All() View { return View{Space: s, Range: s.net.fact.Ports} }

// Own returns the space as sockets see it that have a range of their own. That counts as
// far as it lies inside the namespace's; one wholly outside is ignored
// (inet_sk_get_local_port_range, net/ipv4/inet_connection_sock.c).
func (s *Space) Own(ports event.PortRange) View {
	v := s.All()
	if s.net.Overlaps(ports) {
		v.Range = event.PortRange{Low: max(ports.Low, v.Range.Low), High: min(ports.High, v.Range.High)}
		v.IsOwn = true
	}
	return v
}

// Allocates reports whether connect() chose the port of some socket here: accepted and
// early bound connections alone allocate nothing from the space.
func (s *Space) Allocates() bool { return s.tally.live+s.tally.timeWait > s.tally.owned }

// Empty reports whether no socket holds a port of the space.
func (s *Space) Empty() bool { return s.held == 0 }

// socket returns the socket that holds a port of the space, nil if none does. It is valid until
// the table changes.
func (s *Space) socket(port uint16) *Socket {
	if s.held == 0 {
		return nil
	}
	if n := s.net.store.find(s.number, port); n != 0 {
		return &s.net.store.at(n).Socket
	}
	return nil
}

// Each iterates over the sockets of the space by port, in no order.
func (s *Space) Each() iter.Seq2[uint16, Socket] {
	return func(yield func(uint16, Socket) bool) {
		for _, socket := range s.records() {
			if !yield(socket.port, *socket) {
				return
			}
		}
	}
}

// records iterates over the same by the number of the record. The body of the loop may remove the
// socket that it has.
func (s *Space) records() iter.Seq2[uint32, *Socket] {
	return func(yield func(uint32, *Socket) bool) {
		for n := s.first; n != 0; {
			r := s.net.store.at(n)
			next := r.next
			if !yield(n, &r.Socket) {
				return
			}
			n = next
		}
	}
}

// count adds a socket to the tally n times, -1 takes it away.
func (s *Space) count(port uint16, socket *Socket, n int32) {
	if s.net.usable.has(port) {
		s.tally.add(socket, n)
	}
}

// recount makes the tally from scratch. It must be called when the range has changed.
func (s *Space) recount() {
	s.tally = tally{}
	for port, socket := range s.Each() {
		s.count(port, &socket, 1)
	}
	s.sharedAt = s.Binds().takeovers - 1
	s.known = nil
	s.updatePeak(0)
}

// InUse returns the InUse of All's Occupancy, and is cheap enough for every event.
func (s *Space) InUse() int {
	return int(s.tally.live+s.tally.timeWait-s.tally.owned) + s.Binds().inRange - s.takenOver()
}

// takenOver returns how many ports of the range a connect() of this space chose and a bind()
// of another address took later.
func (s *Space) takenOver() int {
	if now := s.Binds().takeovers; s.sharedAt != now {
		s.shared, s.sharedAt = int32(s.All().overlap())-s.tally.owned, now
	}
	return int(s.shared)
}

// takes reports whether the socket takes a port that connect() could have had.
func (s *Space) takes(port uint16, socket, old *Socket) bool {
	switch {
	case !s.net.usable.has(port):
		return false
	case old == nil:
		return !s.Owns(port)
	}
	return old.State == event.StateTimeWait && !old.owned() && socket.State != event.StateTimeWait
}

// updatePeak keeps Peak after an allocation.
func (s *Space) updatePeak(now event.Time) {
	if used := min(s.InUse(), s.net.total); used > s.Peak {
		s.Peak, s.PeakAt = used, now
	}
}
