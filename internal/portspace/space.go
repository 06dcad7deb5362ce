package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// ID names a connect space.
type ID struct {
	Netns  uint32
	Device uint32 // that its sockets are bound to, 0: none
	Local  event.Addr
	Remote event.Endpoint
	Ports  event.PortRange // the sockets' own, zero: the namespace's
}

// IDOf is the space that the event's socket holds a port of.
func IDOf(e *event.Event) ID {
	return ID{Netns: e.Netns, Device: e.Device, Local: e.Src.Addr, Remote: e.Dst, Ports: e.Ports}
}

// Socket is what holds a port of a connect space: a connection or its TIME_WAIT bucket.
type Socket struct {
	State     event.State
	Direction event.Direction
	Bound     bool // no connect() to anywhere can take its port: a bind() owns that
	Before    bool // it is older than the trace
	Proc      event.ProcID
	Cookie    uint64
	Ends      event.Time // of a TIME_WAIT: when the kernel will end it
}

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
	sockets map[uint16]Socket
	counts  Counts // Bound: of the sockets' own ports, which the rest counts already

	Peak   int        // the most that was in use after an Open
	PeakAt event.Time // and when
	Full   event.Time // since when no port is left, 0: one is
}

// Holds reports whether a port is one that the space hands out.
func (s *Space) Holds(port uint16) bool {
	return s.net.usable.has(port) && (!s.Ports.Known() || s.Ports.Holds(port))
}

// Range is where the ports come from, and whether that is the sockets' own. A range of
// their own counts as far as it lies inside the namespace's; one wholly outside is
// ignored (inet_sk_get_local_port_range, net/ipv4/inet_connection_sock.c).
func (s *Space) Range() (r event.PortRange, own bool) { return s.net.within(s.Ports) }

// Capacity is the number of ports of the range that are not reserved, 0 where the range
// is not known.
func (s *Space) Capacity() int { return s.net.capacity(s.Ports) }

// Counts are of now. What a bind() owns is counted for every space of the namespace.
func (s *Space) Counts() Counts {
	c := s.counts
	c.Bound = s.net.exclusiveIn(s.Ports) - s.counts.Bound
	return c
}

// Headroom is the number of ports that connect() can still take.
func (s *Space) Headroom() int { return s.Capacity() - s.Counts().InUse() }

// Drawn reports whether connect() chose the port of some socket here: accepted and early
// bound connections alone draw nothing from the space.
func (s *Space) Drawn() bool { return s.counts.Live+s.counts.TimeWait > s.counts.Bound }

// Empty reports whether no socket holds a port of it.
func (s *Space) Empty() bool { return len(s.sockets) == 0 }

// Each calls f for every socket of the space, in no order.
func (s *Space) Each(f func(port uint16, socket Socket)) {
	for port, socket := range s.sockets {
		f(port, socket)
	}
}

// Reusable is how many TIME_WAIT buckets connect() would take over now: tcp_tw_reuse
// allows it for the pair, the bucket is old enough, and no bind() owns the port
// (tcp_twsk_unique, net/ipv4/tcp_ipv4.c). It takes TCP timestamps, which are on by default.
func (s *Space) Reusable(now event.Time) int {
	if !s.reuses() {
		return 0
	}
	n := 0
	for port, socket := range s.sockets {
		if socket.State == event.StateTimeWait && s.Holds(port) && s.freed(socket) <= now {
			n++
		}
	}
	return n
}

// freed is when connect() can take the port of a bucket: at its end, or when it is old
// enough to be reused.
func (s *Space) freed(socket Socket) event.Time {
	if socket.Bound || !s.reuses() {
		return socket.Ends
	}
	return min(socket.Ends, socket.Ends.Add(s.net.reuseDelay()-TimeWaitLength))
}

// Ends are how many TIME_WAIT buckets set their ports free within each of the next
// seconds, without those that could be reused now.
func (s *Space) Ends(now event.Time) []int {
	var list []int
	for port, socket := range s.sockets {
		if socket.State != event.StateTimeWait || !s.Holds(port) {
			continue
		}
		in := s.freed(socket).Sub(now)
		if in <= 0 && s.reuses() {
			continue
		}
		i := int(min(max(in, 0), slots*time.Second) / time.Second)
		for len(list) <= i {
			list = append(list, 0)
		}
		list[i]++
	}
	return list
}

// TimeWaitLife is how long a TIME_WAIT bucket takes a port of the space away.
func (s *Space) TimeWaitLife() time.Duration {
	if s.reuses() {
		return s.net.reuseDelay()
	}
	return TimeWaitLife
}

func (s *Space) reuses() bool {
	switch s.net.fact.Reuse {
	case 1:
		return true
	case 2:
		return s.Local.IP().IsLoopback() || s.Remote.Addr.IP().IsLoopback()
	}
	return false
}

// count adds a socket to the figures, or takes it away.
func (s *Space) count(port uint16, socket *Socket, n int) {
	if !s.Holds(port) {
		return
	}
	if socket.State == event.StateTimeWait {
		s.counts.TimeWait += n
	} else {
		s.counts.Live += n
	}
	switch socket.State {
	case event.StateSynSent:
		s.counts.SynSent += n
	case event.StateCloseWait:
		s.counts.CloseWait += n
	}
	if socket.Bound {
		s.counts.Bound += n
	}
}

// recount is due when the range has changed.
func (s *Space) recount() {
	s.counts = Counts{}
	for port, socket := range s.sockets {
		s.count(port, &socket, 1)
	}
	s.filled(0)
}

// filled notes how full the space is after a change.
func (s *Space) filled(now event.Time) {
	used := s.Counts().InUse()
	if used > s.Peak {
		s.Peak, s.PeakAt = used, now
	}
	capacity := s.Capacity()
	switch {
	case capacity == 0 || used < capacity:
		s.Full = 0
	case s.Full == 0:
		s.Full = now
	}
}
