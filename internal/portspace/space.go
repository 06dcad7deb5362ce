package portspace

import (
	"bytes"
	"cmp"
	"iter"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// ID names a connect space.
type ID struct {
	Netns  uint32
	Device uint32 // that its sockets are bound to, 0: none
	Local  event.Addr
	Remote event.Endpoint
}

// IDOf is the space that the event's socket holds a port of.
func IDOf(e *event.Event) ID {
	return ID{Netns: e.Netns, Device: e.Device, Local: e.Src.Addr, Remote: e.Dst}
}

// Compare orders the names of spaces.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Netns, other.Netns), compareEnds(id.Remote, other.Remote),
		bytes.Compare(id.Local[:], other.Local[:]), cmp.Compare(id.Device, other.Device))
}

// Socket is what holds a port of a connect space: a connection or its TIME_WAIT bucket.
type Socket struct {
	State     event.State
	Direction event.Direction
	Flags     event.Flags // of those in kept
	look      uint32      // that found it last
	Proc      event.ProcID
	Cookie    uint64
	Ends      event.Time // of a TIME_WAIT: when the kernel will end it
	closed    event.Time // when the bucket was made
}

// kept are the flags of a socket: no connect() to anywhere can take its port, for a bind()
// owns that; it is older than the trace; its bucket waits for the peer's FIN.
const kept = event.OwnedByBind | event.BeforeStart | event.FinWait2

func (s *Socket) bound() bool { return s.Flags.Has(event.OwnedByBind) }

// Counts are ports of a space.
type Counts struct {
	Live      int // held by connections, from SYN_SENT to LAST_ACK
	SynSent   int // of Live: the SYN had to be sent again
	CloseWait int // of Live: the peer has closed, the owner has not
	TimeWait  int // FIN_WAIT2 buckets included
	Bound     int // not in the above: owned by a bind()
}

// InUse is how many connect() can not take.
func (c Counts) InUse() int { return c.Live + c.TimeWait + c.Bound }

// Space is a connect space and the sockets that hold its ports.
type Space struct {
	ID
	number  uint32 // tells it from every other there ever was
	net     *Netns
	sockets map[uint32]Socket // by port; maps of 32-bit keys are the fast ones
	counts  Counts            // Bound: of the sockets' own ports, which the rest counts already
	watched bool              // a Watch has seen somebody draw from it

	Peak   int        // the most that was in use after an Open
	PeakAt event.Time // and when
	Full   event.Time // since when no port is left, 0: one is
}

// All is the space as sockets see it that draw from the whole range of the namespace.
func (s *Space) All() View { return View{Space: s, Range: s.net.fact.Ports} }

// Own is the space as sockets see it that have a range of their own. That counts as far as
// it lies inside the namespace's; one wholly outside is ignored
// (inet_sk_get_local_port_range, net/ipv4/inet_connection_sock.c).
func (s *Space) Own(ports event.PortRange) View {
	v := s.All()
	if s.net.Overlaps(ports) {
		v.Range = event.PortRange{Low: max(ports.Low, v.Range.Low), High: min(ports.High, v.Range.High)}
		v.IsOwn = true
	}
	return v
}

// Drawn reports whether connect() chose the port of some socket here: accepted and early
// bound connections alone draw nothing from the space.
func (s *Space) Drawn() bool { return s.counts.Live+s.counts.TimeWait > s.counts.Bound }

// Empty reports whether no socket holds a port of it.
func (s *Space) Empty() bool { return len(s.sockets) == 0 }

// Each are the sockets of the space, in no order.
func (s *Space) Each() iter.Seq2[uint16, Socket] {
	return func(yield func(uint16, Socket) bool) {
		for port, socket := range s.sockets {
			if !yield(uint16(port), socket) {
				return
			}
		}
	}
}

// TimeWaitLife is how long a TIME_WAIT bucket takes a port of the space away.
func (s *Space) TimeWaitLife() time.Duration {
	if s.reuses() {
		return s.net.reuseDelay()
	}
	return TimeWaitLife
}

// freed is when connect() can take the port of a bucket: at its end, or when it is old
// enough to be reused. One that waits for the peer's FIN never is (0d9e5df4a257, 6.12 and
// the stable kernels of its time).
func (s *Space) freed(socket Socket) event.Time {
	if socket.bound() || !s.reuses() || socket.Flags.Has(event.FinWait2) {
		return socket.Ends
	}
	made := socket.closed
	if made == 0 { // found: Ends is up to a step of the timer wheel late
		made = socket.Ends.Add(-TimeWaitLength)
	}
	return min(socket.Ends, made.Add(s.net.reuseDelay()))
}

// loopback is the index of lo in every network namespace, LOOPBACK_IFINDEX of include/net/flow.h.
const loopback = 1

func (s *Space) reuses() bool {
	switch s.net.fact.Reuse {
	case 1:
		return true
	case 2:
		return s.Device == loopback || s.Local.IP().IsLoopback() || s.Remote.Addr.IP().IsLoopback()
	}
	return false
}

// count adds a socket to the figures, or takes it away.
func (s *Space) count(port uint16, socket *Socket, n int) {
	if s.net.usable.has(port) {
		s.counts.add(socket, n)
	}
}

func (c *Counts) add(socket *Socket, n int) {
	if socket.State == event.StateTimeWait {
		c.TimeWait += n
	} else {
		c.Live += n
	}
	switch socket.State {
	case event.StateSynSent:
		c.SynSent += n
	case event.StateCloseWait:
		c.CloseWait += n
	}
	if socket.bound() {
		c.Bound += n
	}
}

// recount is due when the range has changed.
func (s *Space) recount() {
	s.counts = Counts{}
	for port, socket := range s.Each() {
		s.count(port, &socket, 1)
	}
	s.filled(0)
}

// inUse is asked for at every event, and no less than All().Counts().InUse(): a port that
// connect() chose and a bind() of another address took later is in it twice.
func (s *Space) inUse() int {
	return s.counts.Live + s.counts.TimeWait + s.net.inRange - s.counts.Bound
}

// filled notes how full the space is after a change.
func (s *Space) filled(now event.Time) {
	capacity := s.net.total
	used := min(s.inUse(), capacity)
	if used > s.Peak {
		s.Peak, s.PeakAt = used, now
	}
	switch {
	case capacity == 0 || used < capacity:
		s.Full = 0
	case s.Full == 0:
		s.Full = now
	}
}
