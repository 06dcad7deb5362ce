package whatif

import (
	"math"
	"time"
)

// mostSustainable is the most requests per second that are called a limit.
const mostSustainable = 1e7

// Sustainable returns the requests per second (opens, if each has its own connection) that the
// system can serve indefinitely in the mean, 0 if its ports and limits are not what bounds them or
// if no rate is sustainable, as some connections never end. Without lifetimes and limits it is
// the arithmetic of the write-ups: ports / TIME_WAIT.
func Sustainable(system System, load Load) float64 {
	system, load = system.normal(), load.normal()
	if load.Dead > 0 && system.KeepAlive == 0 {
		return 0
	}
	s := newSteady(&system, &load)
	if s.fits(mostSustainable) {
		return 0
	}
	low, high := 0.0, mostSustainable
	for range 100 {
		if middle := (low + high) / 2; s.fits(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low * float64(load.Requests)
}

// steady is the mean of a load without an end, for one connection per second.
type steady struct {
	system *System
	load   *Load

	live             float64 // seconds until it is closed
	half             float64 // of those: without an answer to its SYN
	leaves           float64 // share that leave a TIME_WAIT here
	waitEarly, waits float64 // seconds in TIME_WAIT of one that does: bound early, otherwise
}

func newSteady(system *System, load *Load) *steady {
	answeredShare := 1 - load.Unanswered
	ends := answeredShare * math.Pow(1-load.Dead, float64(load.Requests))
	s := &steady{system: system, load: load, leaves: ends * (1 - load.ServerCloses)}
	s.half = answeredShare*load.Handshake.Seconds() + load.Unanswered*load.GiveUp.Seconds()
	s.live = s.half + answeredShare*float64(load.Requests)*load.meanLifetime().Seconds()
	if load.Dead > 0 {
		s.live += (answeredShare - ends) * system.KeepAlive.Seconds()
	}
	s.waitEarly = system.saturatedWait().Seconds()
	s.waits = s.waitEarly
	if system.Reuse {
		s.waits = min(s.waits, (system.ReuseDelay + system.ReuseStep).Seconds())
	}
	return s
}

// saturatedWait returns for how long a TIME_WAIT takes a port away from a space that is full all
// the time: the next connection takes it at the step of the timer wheel that frees it.
func (s *System) saturatedWait() time.Duration {
	if s.TimerStep <= 0 {
		return s.TimeWait
	}
	return (s.TimeWait + s.TimerStep - 1) / s.TimerStep * s.TimerStep
}

// fits reports whether that many connections per second find ports.
func (s *steady) fits(rate float64) bool {
	live, early := rate*s.live, s.load.EarlyBind
	waits := rate * s.leaves * s.waits
	waitsEarly := rate * s.leaves * s.waitEarly
	waiting := s.buckets(rate, early*waitsEarly+(1-early)*waits)
	return s.allowed(rate, live, waiting) && s.findPorts(rate, live, waiting)
}

// buckets returns how many connections in TIME_WAIT take a port, after the limits on those.
func (s *steady) buckets(rate, waiting float64) float64 {
	if most := float64(s.system.MaxFreeTimeWait); most > 0 && waiting > most {
		waiting = max(most, min(waiting, rate*s.leaves*time.Duration(freeAge).Seconds()))
	}
	if most := float64(s.system.MaxTimeWait); most > 0 {
		waiting = min(waiting, most)
	}
	return waiting
}

// allowed reports whether the limits other than ports allow it.
func (s *steady) allowed(rate, live, waiting float64) bool {
	within := func(n float64, most int) bool { return most <= 0 || n <= float64(most) }
	return within(live, s.system.MaxConnections) && within(live+waiting, s.system.MaxTCBs) &&
		within(live, s.load.Concurrency) && within(rate*s.half, s.system.HalfOpen)
}

// findPorts reports whether the ports are enough.
func (s *steady) findPorts(rate, live, waiting float64) bool {
	ports, sources := float64(s.system.Ports), float64(s.system.Sources)
	ends := sources * float64(s.load.Destinations)
	switch {
	case s.system.Scope == PerHost:
		return live+waiting <= ports
	case s.system.Scope == PerLocal && s.system.PeerReuse:
		// The live ports of other ends can be those that are in TIME_WAIT towards this one.
		waits, lives, own := waiting/ends, live/sources, live/ends
		return waits+own+(lives-own)*(1-min(waits/ports, 1)) <= ports
	case s.system.Scope == PerLocal || s.load.EarlyBind >= 1:
		return (live+waiting)/sources <= ports
	case s.load.EarlyBind <= 0:
		return (live+waiting)/ends <= ports
	}
	share := s.load.EarlyBind
	early := share * (live + min(waiting, rate*s.leaves*s.waitEarly)) / sources
	late := (1 - share) * (live + min(waiting, rate*s.leaves*s.waits)) / ends
	// A bind() takes its port from every connect() of the host, and needs one that no socket of
	// its address has: ports of several spaces are partly the same.
	return late+union(early, ports, sources) <= ports && early+s.connected(late, early) <= ports
}

// connected returns how many different ports the connections from one address have, if those of
// each space have that many. A parity that connect() takes first is the same in all spaces.
func (s *steady) connected(each, early float64) float64 {
	ports, ends := float64(s.system.Ports), float64(s.load.Destinations)
	if !s.system.Parity {
		return union(each, ports, ends)
	}
	half := ports / 2
	if each <= half {
		return union(each, half, ends)
	}
	return half + union(each-half, max(half-early, 1), ends)
}

// union returns how many different ports there are in sets of n that were chosen at random.
func union(n, ports, sets float64) float64 {
	if n >= ports {
		return ports
	}
	return ports * (1 - math.Pow(1-n/ports, sets))
}
