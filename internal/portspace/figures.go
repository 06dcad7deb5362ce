package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// figures are what is counted of the sockets of a space, as All sees it. A pass over those of a
// large space takes a millisecond, and each snapshot asks several times for each of them, mostly
// of spaces in which nothing has happened since: so a space keeps them until one of its sockets
// changes.
type figures struct {
	figuresOf
	holdings  []Holding // nil: they are nearly as many as the sockets
	buckets   int       // in any case
	kept      int       // of buckets: only their timers end them
	unstamped int       // cannot be reused, for want of a TCP timestamp
	ever      int       // can be reused, all of them from last on
	reusable  int       // of ever: from at on, or before
	last, at  event.Time
}

// figuresOf is what they depend on besides the sockets of the space and its usable ports.
type figuresOf struct {
	takeovers     uint32
	reuses        bool
	stampsOff     bool
	stampsSeen    bool
	delay, length time.Duration
}

const (
	// keptFrom is from how many sockets on a space keeps its figures, so that they are a small part
	// of what the sockets take.
	keptFrom = 16
	// perHolding is how many sockets a Holding must have on average to be kept.
	perHolding = 8
	// lookedUp is of how many sockets the ports are looked up one by one: a set of them takes 8 KiB, which
	// would be most of the garbage of a host with a thousand spaces of a hundred sockets.
	lookedUp = 512
)

func (s *Space) figuresOf() figuresOf {
	n := s.net
	return figuresOf{s.Binds().takeovers, s.reuses(), n.stampsOff(), n.Census.Bound, n.reuseDelay(), n.TimeWaitLength()}
}

// figures returns them, not to be changed. What of them depends on the time is of any moment.
func (s *Space) figures() *figures {
	if of := s.figuresOf(); s.known == nil || s.known.figuresOf != of {
		return s.countFigures(of, 0)
	}
	return s.known
}

// figuresAt returns those that hold at a moment.
func (s *Space) figuresAt(now event.Time) *figures {
	of := s.figuresOf()
	if f := s.known; f == nil || f.figuresOf != of || f.at != now && f.last > now {
		return s.countFigures(of, now)
	}
	return s.known
}

// reusableAt returns how many buckets connect() would take over at a moment.
func (s *Space) reusableAt(now event.Time) int {
	f := s.figuresAt(now)
	if f.at == now {
		return f.reusable
	}
	return f.ever
}

// countFigures makes the figures from scratch, and keeps them if the space is large enough.
func (s *Space) countFigures(of figuresOf, now event.Time) *figures {
	f := &figures{figuresOf: of, at: now}
	most, few := int(s.held)/perHolding, true
	h := holdings{each: func(one *Holding) {
		if few = few && len(f.holdings) < most; few {
			f.holdings = append(f.holdings, *one)
		}
	}}
	owns := s.OwnedPorts()
	for _, socket := range s.records() {
		inRange := s.net.usable.has(socket.port)
		h.add(socket, inRange)
		if of.reuses && socket.State == event.StateTimeWait {
			f.add(s, socket, inRange, owns)
		}
	}
	if h.end(); !few {
		f.holdings = nil
	}
	if s.held >= keptFrom {
		s.known = f
	}
	return f
}

// add counts a bucket.
func (f *figures) add(s *Space, bucket *Socket, inRange bool, owns func(uint16) bool) {
	f.buckets++
	if inRange && s.isUnstamped(bucket) {
		f.unstamped++
	}
	switch {
	case s.keepsItself(bucket) || owns(bucket.port):
		f.kept++
	case inRange:
		from := s.reusableFrom(bucket)
		f.ever++
		f.last = max(f.last, from)
		if from <= f.at {
			f.reusable++
		}
	}
}

// OwnedPorts returns a function that reports whether a bind() owns a port. It is for a pass over the
// sockets of the space, and valid until the table changes.
func (s *Space) OwnedPorts() func(port uint16) bool { return s.Binds().ownedPorts(s.held) }

// ownedPorts returns a function that reports whether a bind() owns a port, to be called about that many
// times before anything changes.
func (b *BindTable) ownedPorts(times int32) func(port uint16) bool {
	if times <= lookedUp || len(b.owned) > int(times) {
		return b.Owns
	}
	var owned bitmap
	for port := range b.owned {
		owned.add(port)
	}
	return owned.has
}

// Unstamped returns how many of the space's buckets cannot be reused because they have no
// TCP timestamp, 0 if tcp_tw_reuse does not apply anyhow.
func (s *Space) Unstamped() int {
	if !s.reuses() {
		return 0
	}
	return s.figures().unstamped
}
