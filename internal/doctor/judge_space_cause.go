package doctor

import (
	"math"

	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// A load that takes less than one port in modestShare of the usual range is healthy: it is the
	// range that is at fault. 1,400 connections at a time, or 23 per second that leave TIME_WAIT.
	modestShare = 20
	// leakSeconds is for how long connections must have been opened, and next to none closed, to
	// call them a leak and not a pool.
	leakSeconds = 10
)

// cause decides by what takes the ports, and how that came about.
func (c *shortage) cause() Finding {
	m := mixOf(c.PortSpace)
	most := max(m.bound, m.silent, m.closeWait, m.timeWait, m.open)
	if c.settled() || c.Kind == snapshot.BindSpace {
		return c.byMix(m, most)
	}
	return c.afterwards(m, most)
}

// settled reports whether what takes the ports now is what made calls fail. A batch of
// connections can be gone a second later.
func (c *shortage) settled() bool { return c.stage != failing || c.IsNearlyFull() }

// afterwards decides by how the connections came, as most of them are gone.
func (c *shortage) afterwards(m mix, most int) Finding {
	if most*2 < c.Capacity && c.past.burst*2 >= c.Capacity && c.past.span <= 2*burstSeconds {
		return c.byRange(m, c.burst(m))
	}
	if most == 0 || m.open == most {
		return c.byRange(m, c.churn(m))
	}
	return c.byMix(m, most)
}

func (c *shortage) byMix(m mix, most int) Finding {
	switch {
	case c.boundEarly(m, most):
		return c.earlyBind(m)
	case m.silent == most:
		return c.unanswered(m)
	case m.closeWait == most:
		return c.closeWaitLeak(m)
	case m.timeWait == most:
		return c.byRange(m, c.churn(m))
	case c.leaks():
		return c.leak(m)
	case c.past.span >= leakSeconds && c.past.closes*3 >= c.past.opens:
		return c.byRange(m, c.churn(m)) // as many end as begin, but there are too many at a time
	}
	return c.byRange(m, c.burst(m))
}

// leaks reports whether the connections are opened one after another and hardly one is closed.
// Of those from before start it is not known how they came: a program that goes on opening, and
// closes none of them, leaks.
func (c *shortage) leaks() bool {
	p := c.main(func(p *program) int { return p.live })
	if c.keptFromBefore() {
		return true
	}
	if c.past.opens == 0 {
		return before(c.PortSpace)*2 > c.Taken() && c.j.s.Elapsed >= seenAtLeast && (c.dest == nil || c.dest.ClosesOut == 0)
	}
	stays := p.name == "" || p.closes*3 <= p.opens
	return stays && c.cameSlowly() && c.past.closes*3 <= c.past.opens && c.past.burst*10 <= c.past.opens*8
}

// keptFromBefore reports whether connections that are older than the trace take nearly all ports, and
// none has ended since: then no opens can be seen, however long it is watched.
func (c *shortage) keptFromBefore() bool {
	return c.dest != nil && c.dest.ClosesOut == 0 && c.Live*10 >= c.Taken()*9 && before(c.PortSpace)*10 >= c.Taken()*9
}

// cameSlowly reports whether connections were opened for longer than it takes to fill a pool: for
// leakSeconds, or, if the few ports of a narrow range were taken before, for longer than a burst, and
// more are wanted for leakSeconds.
func (c *shortage) cameSlowly() bool {
	return c.past.span >= leakSeconds || c.stage == failing && c.past.span > burstSeconds && c.past.active >= leakSeconds
}

// before returns how many ports of a space are held by sockets that are older than the trace.
func before(s *snapshot.PortSpace) (n int) {
	for i := range s.Holders {
		n += s.Holders[i].Before
	}
	return n + s.OtherHolders.Before
}

// byRange returns the finding that the range is too small, if the load of f is one that any usual
// range serves.
func (c *shortage) byRange(m mix, f Finding) Finding {
	size := c.Range.Size()
	need := c.needs(m)
	switch reserved := size - c.Capacity; {
	case reserved*2 > size && need*5 <= size*4:
		return c.reservedRange(&f, reserved, size)
	case size < defaultRange.Size() && need*modestShare <= defaultRange.Size():
		return c.narrowRange(m, &f, size)
	}
	return f
}

// needs returns how many ports the load takes at a time if it gets them. Calls that fail and are
// made again count again: it can be less, and no more.
func (c *shortage) needs(m mix) int {
	need := max(c.Peak, c.Taken())
	if m.timeWait <= m.open {
		if !c.settled() {
			need = max(need, c.past.burst) // they are gone, and with them how many there were
		}
		return need
	}
	seconds := c.TimeWaitLength.Seconds()
	calls, rate := c.past.calls()
	if c.past.over >= burstSeconds { // it is over, and took no more than that
		return max(need, min(calls, int(rate*seconds)))
	}
	return max(need, int(c.Wanted*seconds), min(calls, int(rate*seconds)))
}

// main returns the program with most of the ports by a measure, if none has any the one that has
// opened most connections.
func (c *shortage) main(measure func(*program) int) program {
	if p := c.programs.most(measure); p.name != "" {
		return p
	}
	return c.programs.most(func(p *program) int { return int(min(p.opens, math.MaxInt32)) })
}
