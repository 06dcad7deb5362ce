package portspace

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// close turns the connection into its bucket, or releases the port.
func (t *Table) close(e *event.Event) {
	if e.Flags&(event.TimeWait|event.FinWait2) == 0 {
		t.remove(e)
		return
	}
	if !t.OccupiesRange(e) {
		t.noteAccepted(e)
		t.remove(e)
		return
	}
	socket := Socket{Direction: e.Direction, Proc: e.Proc, Cookie: e.Cookie}
	if e.Direction == event.In {
		socket.Flags = event.OwnedByBind
	}
	if s := t.space(e); s != nil {
		known := s.socket(e.Src.Port)
		switch {
		case known == nil:
		case known.State != event.StateTimeWait && !known.isOf(e): // the port has passed to another socket
			return
		case known.State != event.StateTimeWait:
			socket = *known
			socket.Cookie = cmp.Or(e.Cookie, known.Cookie)
		case known.Closed > e.Time: // reported late (live holds orphans up to 100 ms): the port was reused and closed again
			t.change = Change{Was: known.State, Is: known.State}
			return
		}
	}
	socket.State, socket.Closed = event.StateTimeWait, e.Time
	socket.Proc = cmp.Or(socket.Proc, e.Listener)
	const taken = event.NoTimestamps | event.NotSelected
	socket.Flags = socket.Flags&^(event.FinWait2|taken) | e.Flags&taken
	if isFinWait2(e) {
		socket.Flags |= event.FinWait2
	}
	socket.Expiry = t.Netns(e.Netns).BucketExpiry(e)
	if socket.Expiry > t.now {
		t.put(e, &socket)
	}
}

// isFinWait2 reports whether the bucket of a close waits for the peer's FIN. One that was not
// looked up does not: a peer that is done sends its FIN at once.
func isFinWait2(e *event.Event) bool {
	return e.Flags.Has(event.FinWait2) && e.Inferred&event.FieldTimeWait == 0
}

// expire ends a bucket, or puts that off.
func (t *Table) expire(x expiry) {
	s, socket := t.bucket(x)
	switch {
	case socket == nil:
	case socket.Expiry > t.now:
		if secondAfter(socket.Expiry) <= t.expiries.done { // else it is scheduled already
			t.expiries.schedule(x, socket.Expiry)
		}
	default:
		s.orphans.noteEnded(socket)
		t.drop(s, *socket)
	}
}

// bucket returns the bucket of a scheduled expiry and its space, nil if there is none any more.
func (t *Table) bucket(x expiry) (*Space, *Socket) {
	s := t.spaces.numbered(x.space)
	if s == nil || s.birth != x.birth {
		return nil, nil
	}
	socket := s.socket(x.port)
	if socket == nil || socket.State != event.StateTimeWait {
		return nil, nil
	}
	return s, socket
}

// trim makes the buckets of a namespace no more than the kernel counts, if no scan of its
// sockets corrects them: a RST or the reuse of a port ends a bucket early, and no event
// reports that. The oldest go first.
func (t *Table) trim(n *Netns) {
	excess := n.buckets - int(n.fact.TimeWait)
	if n.fact.TimeWait < 0 || n.CensusAt != 0 || excess <= 0 {
		return
	}
	t.expiries.each(func(x expiry) bool {
		if s, socket := t.bucket(x); socket != nil && s.net == n {
			t.drop(s, *socket)
			excess--
		}
		return excess > 0
	})
}

func (n *Netns) reuseDelay() time.Duration {
	if n.fact.ReuseDelay != 0 {
		return time.Duration(n.fact.ReuseDelay)
	}
	return time.Second // what it was before tcp_tw_reuse_delay (ca6a6f93867a, 6.14)
}

// TimeWaitLife returns for how long a TIME_WAIT bucket takes a port of the space away: until
// it can be reused, if that is so for most of the buckets there are, or was for the last one.
func (s *Space) TimeWaitLife() time.Duration {
	if !s.reuses() {
		return s.net.BucketLife()
	}
	f := s.figures()
	if f.buckets == 0 && (s.stampless || s.net.stampsOff()) || 2*f.kept > f.buckets {
		return s.net.BucketLife()
	}
	return s.net.reuseDelay()
}

// isKept reports whether only its timer ends the bucket (tcp_twsk_unique,
// net/ipv4/tcp_ipv4.c): a bind() owns the port; it has no TCP timestamp to distinguish old
// segments by; or it waits for the peer's FIN (0d9e5df4a257, 6.12 and the stable kernels of its time).
func (s *Space) isKept(port uint16, socket *Socket) bool {
	return s.keepsItself(socket) || s.Owns(port)
}

// keepsItself reports the same, but for a bind() that took the port after the bucket was made.
func (s *Space) keepsItself(socket *Socket) bool {
	const kept = event.FinWait2 | event.OwnedByBind
	return socket.Flags&kept != 0 || s.isUnstamped(socket)
}

// isUnstamped reports whether a bucket has no TCP timestamp.
func (s *Space) isUnstamped(socket *Socket) bool {
	return socket.Flags.Has(event.NoTimestamps) || s.isUnseen(socket) && s.net.stampsOff()
}

// isUnseen reports whether a bucket's timestamp is not known: sock_diag does not show it.
func (s *Space) isUnseen(socket *Socket) bool { return socket.Closed == 0 && !s.net.Census.Bound }

// stampsOff reports whether connections of the namespace have no TCP timestamps.
func (n *Netns) stampsOff() bool { return n.fact.Timestamps.Known() && n.fact.Timestamps.Value() == 0 }

// reusableFrom returns from when on a connect() can take over a bucket that is not kept.
func (s *Space) reusableFrom(socket *Socket) event.Time {
	// Of a bucket that a scan has found, or that was in FIN_WAIT2 first, when it became a
	// TIME_WAIT is known to a step of the timer wheel.
	made := socket.Expiry.Add(-s.net.TimeWaitLength())
	if socket.Closed != 0 && made.Sub(socket.Closed) < 2*lengthTolerance {
		made = socket.Closed
	}
	return min(socket.Expiry, made.Add(s.net.reuseDelay()))
}

// loopback is the index of lo in every network namespace, LOOPBACK_IFINDEX of include/net/flow.h.
const loopback = 1

// reuses reports whether tcp_tw_reuse applies to the space.
func (s *Space) reuses() bool {
	switch s.net.fact.Reuse {
	case 1:
		return true
	case 2:
		return s.Device == loopback || s.Local.IP().IsLoopback() || s.Remote.Addr.IP().IsLoopback()
	}
	return false
}
