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

// close turns the connection into its bucket, or releases the port.
func (t *Table) close(e *event.Event) {
	if e.Flags&(event.TimeWait|event.FinWait2) == 0 || !t.OccupiesRange(e) {
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
		case known.Closed > e.Time: // reported late (live holds orphans up to 100 ms): the port was reused and closed again
			t.change = Change{Was: known.State, Is: known.State}
			return
		}
	}
	socket.State, socket.Closed = event.StateTimeWait, e.Time
	socket.Proc = cmp.Or(socket.Proc, e.Listener)
	socket.Flags = socket.Flags&^(event.FinWait2|event.NotSelected) | e.Flags&event.NotSelected
	if e.Flags.Has(event.FinWait2) && e.Inferred&event.FieldTimeWait == 0 { // a peer that is done sends its FIN at once
		socket.Flags |= event.FinWait2
	}
	socket.Expiry = t.Netns(e.Netns).TimeWaitExpiry(e.Time)
	if socket.Expiry > t.now {
		t.put(e, &socket)
	}
}

// expire ends a bucket, or puts that off.
func (t *Table) expire(x expiry) {
	s, socket := t.bucket(x)
	switch {
	case s == nil:
	case socket.Expiry > t.now:
		if second(socket.Expiry) <= t.expiries.done { // else it is scheduled already
			t.expiries.schedule(x, socket.Expiry)
		}
	default:
		t.drop(s, x.port, &socket)
	}
}

// bucket returns the bucket of a scheduled expiry, a nil space if there is none any more.
func (t *Table) bucket(x expiry) (*Space, Socket) {
	s := t.numbered[x.space]
	if s == nil {
		return nil, Socket{}
	}
	socket, is := s.sockets[uint32(x.port)]
	if !is || socket.State != event.StateTimeWait {
		return nil, Socket{}
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
		if s, socket := t.bucket(x); s != nil && s.net == n {
			t.drop(s, x.port, &socket)
			excess--
		}
		return excess > 0
	})
}

// TimeWaitExpiry returns when the kernel ends a TIME_WAIT bucket that was made at a time:
// after TimeWaitLength, at the next step of its timer wheel.
func (n *Netns) TimeWaitExpiry(made event.Time) event.Time {
	step := event.Time(n.fact.TimerStep)
	if step <= 0 {
		return made.Add(TimeWaitLength + time.Second) // half a step, at 250 Hz
	}
	due := made.Add(TimeWaitLength)
	into := (due - n.fact.TimerAt) % step
	if into < 0 {
		into += step
	}
	return due - into + step
}

func (n *Netns) reuseDelay() time.Duration {
	if n.fact.ReuseDelay != 0 {
		return time.Duration(n.fact.ReuseDelay)
	}
	return time.Second // what it was before tcp_tw_reuse_delay (ca6a6f93867a, 6.14)
}

// TimeWaitLife returns for how long a TIME_WAIT bucket takes a port of the space away.
func (s *Space) TimeWaitLife() time.Duration {
	if s.reuses() {
		return s.net.reuseDelay()
	}
	return TimeWaitLife
}

// releasedAt returns when connect() can take the port of a bucket: at its expiry, or when
// it is old enough to be reused. One that waits for the peer's FIN never is (0d9e5df4a257,
// 6.12 and the stable kernels of its time).
func (s *Space) releasedAt(socket Socket) event.Time {
	if socket.owned() || !s.reuses() || socket.Flags.Has(event.FinWait2) {
		return socket.Expiry
	}
	made := socket.Closed
	if made == 0 { // found: Expiry is up to a step of the timer wheel late
		made = socket.Expiry.Add(-TimeWaitLength)
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
