package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/whatif"
)

const (
	// keptRequests is how many requests a kept connection is assumed to serve: fewer than nginx
	// (keepalive_requests 1000) or HAProxy allow, as servers end connections, too.
	keptRequests = 100
	// mostSimulated bounds the connections of a simulation, and so the time it takes.
	mostSimulated = 200_000
	// leastRounds is for how many times as long as a port is held a load is simulated.
	leastRounds = 2
	// seed makes every run say the same.
	seed = 1
)

// change is what a piece of advice changes of a load or of the system, for the simulation. What
// is zero stays as it is.
type change struct {
	ports   int  // of the range, without reserved ones
	sources int  // local addresses
	pool    int  // connections at most, which are used again
	reuse   bool // tcp_tw_reuse
	late    bool // connect() chooses the port
	closes  bool // connections are closed when they have done their work
}

// Effects fills in what each piece of advice does to the load of the finding, by simulation. Of equally
// safe ones those with which it fails come last. It takes up to some hundred milliseconds, so Judge
// leaves it to those who show the advice.
func Effects(s *snapshot.Snapshot, f *Finding) {
	t := newPlanner(s).newTrouble(f)
	system, load, ok := t.simulated()
	if !ok || f.Cause == UDPPorts { // what is simulated is TCP: a UDP port is free when its socket is closed
		return
	}
	before, u := whatif.Sustainable(system, load), &t.use
	for i := range f.Advice {
		a := &f.Advice[i]
		switch {
		case a.change == change{}:
		case a.change.closes:
			a.Effect = t.closesInTime(a.change, system, load)
		case u.endless || t.Cause == Leak:
			a.Effect = u.unknownEffect(s.Elapsed)
		default:
			after, with := a.change.apply(system, load)
			result := whatif.Simulate(after, with)
			a.Effect, a.fails = a.change.effect(result, before), !result.Survives
		}
	}
	slices.SortStableFunc(f.Advice, func(a, b Advice) int {
		switch {
		case a.Safety != b.Safety || a.fails == b.fails:
			return cmp.Compare(a.Safety, b.Safety)
		case a.fails:
			return 1
		}
		return -1
	})
}

// unknownEffect says why nothing can be said of what a change does while the connections stay open.
func (u *usage) unknownEffect(watched time.Duration) string {
	text := "not known: it depends on how long the connections stay open"
	if u.endless {
		text += ", and none has ended in the " + phrase.Elapsed(watched) + " that porttrace has watched"
	}
	return text
}

// simulated returns the load of the trouble and the system that it runs on, as measured, false
// if too little is known.
func (t *trouble) simulated() (whatif.System, whatif.Load, bool) {
	u, s := &t.use, t.space
	if t.Cause == EarlyBind {
		u = t.earlyUsage()
	}
	if s == nil || s.Capacity == 0 || u.rate <= 0 && u.burst <= 0 {
		return whatif.System{}, whatif.Load{}, false
	}
	system := whatif.System{Ports: max(s.Capacity-u.bound, 0), TimeWait: u.wait, Sources: 1, MaxTimeWait: int(max(t.plan.MaxTimeWait, 0))}
	load := whatif.Load{
		Rate: u.rate, Lifetime: u.life, Destinations: u.ends, ServerCloses: 1 - u.share,
		Poisson: true, Exponential: true, Seed: seed,
	}
	if s.Kind == snapshot.BindSpace || t.Cause == EarlyBind {
		load.EarlyBind = 1
	}
	if u.isBurst() {
		load.Rate, load.Count = u.perSecond, uint64(u.burst)
	}
	held := time.Duration(u.held() * float64(time.Second))
	load.Duration = whatif.DefaultDuration(system, load)
	load.Duration = min(load.Duration, max(time.Duration(mostSimulated/load.Rate*float64(time.Second)), leastRounds*held))
	return system, load, true
}

// isBurst reports whether the load is more of a burst than of a steady rate.
func (u *usage) isBurst() bool { return u.full && u.burst > 2*u.rate*u.held() && u.perSecond > 0 }

// apply returns the system and the load after the change.
func (c change) apply(s whatif.System, l whatif.Load) (whatif.System, whatif.Load) {
	if c.ports > 0 {
		s.Ports = c.ports
	}
	if c.sources > 0 {
		s.Sources = c.sources
	}
	if c.reuse {
		s.Reuse, s.ReuseDelay = true, reuseDelay
	}
	if c.late {
		l.EarlyBind = 0
	}
	if c.pool > 0 {
		l.Concurrency, l.Requests = c.pool*s.Sources*l.Destinations, keptRequests
	}
	return s, l
}

// effect returns the result in a line: what becomes of the load, and how many connections per
// second are possible, before and after.
func (c change) effect(r whatif.Result, before float64) string {
	text := fmt.Sprintf("survives: at most %s of %s ports in use", phrase.Grouped(r.Peak), phrase.Grouped(r.Capacity))
	if !r.Survives {
		text = fmt.Sprintf("fails after %s", phrase.Spelled(r.FirstFailure))
	}
	switch {
	case c.pool > 0:
		return text + fmt.Sprintf(", if each connection serves %d requests", keptRequests)
	case before > 0 && r.Sustainable > 1.1*before:
		text += fmt.Sprintf("; sustains %s connections/s, now %s", phrase.Rate(r.Sustainable), phrase.Rate(before))
	}
	return text
}

// earlyUsage is that of all connections of a program that binds before it connects: each takes
// its port from all remote ends.
func (t *trouble) earlyUsage() *usage {
	u := t.use
	if t.row == nil {
		return &u
	}
	ends := map[pairEnd]bool{}
	var rate float64
	for i := range t.snap.Processes {
		p := &t.snap.Processes[i]
		if programOf(&p.Info) != programOf(&t.proc) || p.EarlyBinds == 0 {
			continue
		}
		rate += p.Rates.Opens + p.Rates.Failures
		for j := range p.Destinations {
			if d := &p.Destinations[j]; d.Netns == t.plan.Inode && !d.NetnsGone {
				ends[pairEnd{d.Netns, d.Remote}] = true
			}
		}
	}
	if rate > 0 && len(ends) > 0 {
		u.rate, u.ends, u.bound, u.burst = rate, len(ends), 0, 0
	}
	return &u
}
