package whatif

import (
	"math"
	"time"
)

// freeAge is from which age on a TIME_WAIT counts as free beyond System.MaxFreeTimeWait.
const freeAge = int64(60 * time.Second)

// engine is one host: the ports, the connections that have them, and the limits. Callers must
// not let time run backwards.
type engine struct {
	sys   System
	ports *ports
	now   int64

	// TIME_WAIT of one length each, so that the oldest is the first to expire: as they are, and
	// those that a connect() may reuse.
	buckets, reusable queue
	// aged are those of exact ports that a connect() may have before they expire, but no bind().
	aged queue
	odd  agenda // those with a length of their own

	active      int // connections, from the SYN on
	nBuckets    int
	opens       uint64
	failures    uint64 // of opens
	unplaced    uint64 // sockets that were there already, and have no port
	first       int64  // failure, -1: none
	cause       Cause  // of the first
	overflows   uint64
	mostBuckets int
}

// newEngine returns a host. mixed says that some connections bind() before they connect and
// others do not.
func newEngine(s System, mixed bool) *engine {
	return &engine{sys: s, ports: newPorts(&s, mixed && s.Scope == PerTuple), first: -1}
}

// advance moves time and frees the ports whose TIME_WAIT has expired.
func (e *engine) advance(to int64) {
	for !e.buckets.empty() && e.buckets.oldest().expiry <= to {
		e.expire(e.buckets.pop().conn)
	}
	for !e.reusable.empty() && e.reusable.oldest().expiry <= to {
		e.age(e.reusable.pop())
	}
	for !e.aged.empty() && e.aged.oldest().expiry <= to {
		if b := e.aged.pop(); e.ports.endAged(b.conn, b.expiry) {
			e.nBuckets--
		}
	}
	for len(e.odd) > 0 && e.odd[0].at <= to {
		e.expire(e.odd.pop().conn)
	}
	e.now = max(e.now, to)
}

func (e *engine) expire(c conn) {
	e.nBuckets--
	e.ports.release(c, true)
}

// age is for a TIME_WAIT that a connect() may reuse from now on. Where ports are only counted it
// is as good as gone.
func (e *engine) age(b bucket) {
	if !e.ports.exact {
		e.expire(b.conn)
		return
	}
	e.ports.age(b.conn)
}

// open takes a port for a connection now. It returns false if it cannot be made.
func (e *engine) open(space int32, early, reusable bool) (conn, bool) {
	e.opens++
	e.freeOld()
	cause := e.refusal()
	if cause == NoCause {
		if port, ok := e.ports.allocate(space, early); ok {
			e.active++
			if e.ports.reused {
				e.nBuckets--
			}
			return conn{space: space, port: port, early: early, reusable: reusable && !early}, true
		}
		cause = NoPort
	}
	e.fail(cause)
	return conn{}, false
}

func (e *engine) fail(cause Cause) {
	e.failures++
	e.failedAt(e.now, cause)
}

func (e *engine) failedAt(at int64, cause Cause) {
	if e.first < 0 {
		e.first, e.cause = at, cause
	}
}

// place takes a port for a socket that is there already: that is no call of the load, so that it
// counts neither as one nor as a failure. It returns what refuses it, if anything does.
func (e *engine) place(space int32, early, reusable bool) (conn, Cause) {
	opens, failures, first, cause := e.opens, e.failures, e.first, e.cause
	e.first = -1
	c, _ := e.open(space, early, reusable)
	refusal := NoCause
	if e.first >= 0 {
		refusal = e.cause
	}
	e.opens, e.failures, e.first, e.cause = opens, failures, first, cause
	return c, refusal
}

// unplace is for such a socket without a port, that was opened at that time or before.
func (e *engine) unplace(opened int64, cause Cause) {
	e.unplaced++
	e.failedAt(opened, cause)
}

// refusal returns which limit allows no further connection.
func (e *engine) refusal() Cause {
	switch s := &e.sys; {
	case s.MaxConnections > 0 && e.active >= s.MaxConnections:
		return TooManyConnect
	case s.MaxTCBs > 0 && e.active+e.nBuckets >= s.MaxTCBs:
		return TooManyTCBs
	}
	return NoCause
}

// freeOld frees what MaxFreeTimeWait frees.
func (e *engine) freeOld() {
	if e.sys.MaxFreeTimeWait <= 0 {
		return
	}
	left := int64(e.sys.TimeWait) - freeAge // of one that is as old as that
	for e.nBuckets > e.sys.MaxFreeTimeWait && !e.buckets.empty() && e.buckets.oldest().expiry <= e.now+left {
		e.expire(e.buckets.pop().conn)
	}
}

// closeActively ends a connection that this end closes first.
func (e *engine) closeActively(c conn) {
	if !e.leavesBucket() {
		e.abort(c)
		return
	}
	expiry := step(e.now+int64(e.sys.TimeWait), e.sys.TimerStep, e.sys.TimerPhase)
	reusable := step(e.now+int64(e.sys.ReuseDelay), e.sys.ReuseStep, e.sys.ReusePhase)
	switch {
	case !c.reusable || !e.sys.Reuse || reusable >= expiry:
		e.buckets.push(bucket{expiry: expiry, conn: c})
	case e.ports.exact:
		e.ports.willAge(c, expiry)
		e.aged.push(bucket{expiry: expiry, conn: c})
		fallthrough
	default:
		e.reusable.push(bucket{expiry: reusable, conn: c})
	}
	e.leave(c)
}

// closeFor ends a connection whose port is taken for a length of time of its own.
func (e *engine) closeFor(c conn, length time.Duration) {
	if length <= 0 || !e.leavesBucket() {
		e.abort(c)
		return
	}
	e.odd.push(occurrence{at: e.now + int64(length), conn: c})
	e.leave(c)
}

func (e *engine) leavesBucket() bool {
	if e.sys.TimeWait <= 0 {
		return false
	}
	if e.sys.MaxTimeWait > 0 && e.nBuckets >= e.sys.MaxTimeWait {
		e.overflows++
		return false
	}
	return true
}

func (e *engine) leave(c conn) {
	e.active--
	e.nBuckets++
	e.mostBuckets = max(e.mostBuckets, e.nBuckets)
	e.ports.wait(c)
}

// abort ends a connection that leaves no TIME_WAIT here: the peer has closed first, or a RST
// has ended it.
func (e *engine) abort(c conn) {
	e.active--
	e.ports.release(c, false)
}

// step returns when something is noticed that is due at a time: at the next step after it, if
// there are steps.
func step(due int64, every, phase time.Duration) int64 {
	if every <= 0 {
		return due
	}
	into := (due - int64(phase)) % int64(every)
	if into < 0 {
		into += int64(every)
	}
	return due - into + int64(every)
}

// never is later than anything that happens.
const never = math.MaxInt64
