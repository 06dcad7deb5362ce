package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// figures are what is counted of the buckets of a space, as All sees it. A pass over the sockets of
// a large space takes a millisecond, and each snapshot asks several times for each of them, mostly
// of spaces in which nothing has happened since: so a space keeps them until one of its sockets
// changes.
type figures struct {
	figuresOf
	buckets   int        // in any case
	kept      int        // of buckets: only their timers end them
	unstamped int        // cannot be reused, for want of a TCP timestamp
	ever      int        // can be reused, all of them from last on
	reusable  int        // of ever: from at on, or before
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

func (s *Space) figuresOf() figuresOf {
	n := s.net
	return figuresOf{n.takeovers, s.reuses(), n.stampsOff(), n.Census.Bound, n.reuseDelay(), n.TimeWaitLength()}
}

// figures returns them, not to be changed. What of them depends on the time is of any moment.
func (s *Space) figures() *figures {
	of := s.figuresOf()
	if s.known == nil || s.known.figuresOf != of {
		s.known = s.countFigures(of, 0)
	}
	return s.known
}

// reusableAt returns how many buckets connect() would take over at a moment.
func (s *Space) reusableAt(now event.Time) int {
	of := s.figuresOf()
	f := s.known
	if f == nil || f.figuresOf != of || f.at != now && f.last > now {
		f = s.countFigures(of, now)
		s.known = f
	}
	if f.at == now {
		return f.reusable
	}
	return f.ever
}

// countFigures makes them from scratch.
func (s *Space) countFigures(of figuresOf, now event.Time) *figures {
	f := &figures{figuresOf: of, at: now}
	if !of.reuses {
		return f // nobody asks for anything then
	}
	owns := s.net.ownedPorts(s.held)
	for _, socket := range s.records() {
		if socket.State != event.StateTimeWait {
			continue
		}
		f.buckets++
		inRange := s.net.usable.has(socket.port)
		if inRange && s.isUnstamped(socket) {
			f.unstamped++
		}
		switch {
		case s.keepsItself(socket) || owns(socket.port):
			f.kept++
		case inRange:
			f.add(s.reusableFrom(socket))
		}
	}
	return f
}

// add counts a bucket that can be reused from a moment on.
func (f *figures) add(from event.Time) {
	f.ever++
	f.last = max(f.last, from)
	if from <= f.at {
		f.reusable++
	}
}

// fewSockets is of how many sockets the ports are looked up one by one.
const fewSockets = 64

// ownedPorts returns a function that reports whether a bind() owns a port, to be asked so many
// times before anything changes.
func (n *Netns) ownedPorts(times int32) func(port uint16) bool {
	if times <= fewSockets || len(n.owned) > int(times) {
		return n.Owns
	}
	var owned bitmap
	for port := range n.owned {
		owned.add(port)
	}
	return owned.has
}

// Unstamped returns how many of the space's buckets cannot be reused because they have no
// TCP timestamp, 0 if tcp_tw_reuse does not apply anyhow.
func (s *Space) Unstamped() int { return s.figures().unstamped }
