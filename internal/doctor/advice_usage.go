package doctor

import (
	"cmp"
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// A bucket's timer expires at the next boundary of the timer wheel: its TIME_WAIT of 60 s
	// lasts 61.44 s in a port space that is full all the time, seen at HZ 250.
	wheelShare = 61.44 / 60
	// reuseDelay is tcp_tw_reuse_delay where nothing else is known.
	reuseDelay = time.Second
	// meanSteps is at how many quantiles the mean of a histogram is taken.
	meanSteps = 20
)

// usage is how connections take the ports of a port space, as it was measured.
type usage struct {
	rate      float64       // opens, and calls that found no port, per second
	life      time.Duration // mean lifetime; 0: none has ended
	share     float64       // of connections that leave a TIME_WAIT bucket here
	wait      time.Duration // for which such a bucket takes its port
	burst     float64       // opens, and calls that found no port, in as long as a port is held, at most
	perSecond float64       // the same within a second
	peak      int           // most ports in use at a time, if there was always one left
	live      int           // connections now
	bound     int           // ports that a bind() owns, at whatever rate
	ends      int           // remote ends
	full      bool          // calls found no port
	endless   bool          // connections keep most ports, and none has ended: for how long is not known
}

// held returns for how long a connection takes its port, in seconds.
func (u *usage) held() float64 { return u.life.Seconds() + u.share*u.wait.Seconds() }

// ports returns how many the load needs at a time (Little's law), bound ones apart: those of
// its steady rate, and those of the greatest burst that was seen.
func (u *usage) ports() int {
	need := max(u.rate*u.held(), float64(u.peak-u.bound))
	if u.full {
		need = max(need, u.burst)
	}
	return int(math.Ceil(need))
}

// concurrency returns how many connections are open at a time (Little's law), without those
// in TIME_WAIT.
func (u *usage) concurrency() float64 {
	open := u.rate * u.life.Seconds()
	if !u.full {
		open = max(open, float64(u.live))
	}
	return open
}

// pairs are the connections of all processes by remote end: the ends of connect spaces, and those
// that the holders of bind spaces connect to.
type pairs map[pairEnd]*pairSum

type pairEnd struct {
	netns  uint32
	remote event.Endpoint
}

// pairSum is what the connections towards one remote end have in common.
type pairSum struct {
	lives   snapshot.Lifetimes
	closes  uint64
	buckets uint64
	history snapshot.History
	procs   []event.ProcID // each can be in it twice
}

func pairsOf(s *snapshot.Snapshot) pairs {
	all, binders := pairs{}, map[event.ProcID]bool{}
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		if space.Kind == snapshot.ConnectSpace {
			all.at(pairEnd{space.Netns, space.Remote})
			continue
		}
		for j := range space.Holders {
			binders[space.Holders[j].Proc.ID] = true
		}
	}
	for i := range s.Pairs {
		p := &s.Pairs[i]
		if p.NetnsGone {
			continue
		}
		end := pairEnd{p.Netns, p.Remote}
		sum := all[end]
		if sum == nil && binders[p.Proc] {
			sum = all.at(end)
		}
		if sum != nil {
			sum.add(p)
			sum.procs = append(sum.procs, p.Proc)
		}
	}
	for i := range s.PastPairs {
		p := &s.PastPairs[i]
		if sum := all[pairEnd{p.Netns, p.Remote}]; sum != nil && !p.NetnsGone {
			sum.add(&p.Pair)
		}
	}
	for i := range s.Destinations {
		d := &s.Destinations[i]
		if sum := all[pairEnd{d.Netns, d.Remote}]; sum != nil && !d.NetnsGone {
			sum.history = d.History
		}
	}
	return all
}

func (p pairs) at(end pairEnd) *pairSum {
	sum := p[end]
	if sum == nil {
		sum = &pairSum{}
		p[end] = sum
	}
	return sum
}

func (s *pairSum) add(p *snapshot.Pair) {
	s.lives.Merge(&p.Lifetimes)
	s.closes += p.ClosesOut
	s.buckets += p.TimeWaitEntered
}

// usageOf returns how the ports of a space are taken. ends are the remote ends of a bind space.
func usageOf(space *snapshot.PortSpace, all pairs, ends []event.Endpoint, reused bool) usage {
	u := usage{
		rate: space.Wanted, live: space.Live, bound: space.Bound, full: space.Exhausted > 0, ends: 1,
		wait: time.Duration(float64(cmp.Or(space.TimeWaitLength, usualTimeWait)) * wheelShare),
	}
	if reused {
		u.wait = reuseDelay
	}
	if space.Kind == snapshot.ConnectSpace {
		ends = []event.Endpoint{space.Remote}
	} else {
		u.bound, u.live, u.ends = 0, 0, max(len(ends), 1)
	}
	var sum pairSum
	var rates []snapshot.Point
	for _, end := range ends {
		if p := all[pairEnd{space.Netns, end}]; p != nil {
			sum.lives.Merge(&p.lives)
			sum.closes += p.closes
			sum.buckets += p.buckets
			rates = addPoints(rates, p.history.Points())
		}
	}
	u.life = meanOf(&sum.lives)
	if u.life == 0 && sum.closes > 0 && space.OpenRate > 0 {
		u.life = time.Duration(float64(space.Live) / space.OpenRate * float64(time.Second))
	}
	u.share = shareOf(sum.buckets, sum.closes)
	u.burst, u.perSecond = burstOf(rates, u.held()), burstOf(rates, 1)
	if space.Peak < space.Capacity {
		u.peak = space.Peak
	}
	u.endless = sum.closes == 0 && space.Live*2 > space.Taken() && (!u.isBurst() || before(space)*2 > space.Live)
	return u
}

// shareOf returns the share of closes that left a bucket. Without closes it is all: the end
// that connects mostly closes actively.
func shareOf(buckets, closes uint64) float64 {
	if closes == 0 {
		return 1
	}
	return min(float64(buckets)/float64(closes), 1)
}

// meanOf returns the mean of the durations, 0 without any.
func meanOf(l *snapshot.Lifetimes) time.Duration {
	var sum time.Duration
	for i := range meanSteps {
		sum += l.Quantile((float64(i) + 0.5) / meanSteps)
	}
	return sum / meanSteps
}

// burstOf returns how many opens and failures came within some seconds, at most.
func burstOf(points []snapshot.Point, within float64) float64 {
	seconds := int(math.Ceil(within))
	var sum, most float64
	for i := range points {
		sum += float64(points[i].Opens + points[i].Failures)
		if i >= seconds {
			sum -= float64(points[i-seconds].Opens + points[i-seconds].Failures)
		}
		most = max(most, sum)
	}
	return most
}

// addPoints adds second by second. All histories of a snapshot end with the same second.
func addPoints(sum, more []snapshot.Point) []snapshot.Point {
	total := make([]snapshot.Point, max(len(sum), len(more)))
	for i, p := range sum {
		at := &total[len(total)-len(sum)+i]
		at.Opens, at.Failures = at.Opens+p.Opens, at.Failures+p.Failures
	}
	for i, p := range more {
		at := &total[len(total)-len(more)+i]
		at.Opens, at.Failures = at.Opens+p.Opens, at.Failures+p.Failures
	}
	return total
}
