package doctor

import "github.com/porttrace/porttrace/internal/snapshot"

// past is how the connections to a destination came and ended in the last two minutes.
type past struct {
	opens, closes, failures int

	span   int   // seconds from the first open to the last
	active int   // seconds from the first call to the last, those that failed included
	over   int   // seconds since the last call
	idle   int   // seconds since the last open
	burst  int   // most opens within burstSeconds
	most   int   // most calls within burstSeconds, those that failed included
	seen   int   // seconds since something happened first
	fresh  int64 // opens that are too new for their SYN to have been sent again
	recent struct{ opens, closes, failures int }
}

const (
	// burstSeconds is how long a burst lasts at most: a pool that is opened at once, a batch.
	burstSeconds = 5
	// recentSeconds is what counts as now where a rate is too short.
	recentSeconds = 20
	// freshSeconds is for how long an attempt may wait for its first answer, in whole seconds.
	freshSeconds = 2
)

func pastOf(d *snapshot.Destination) past {
	if d == nil {
		return past{}
	}
	return summed(d.History.Points())
}

func summed(points []snapshot.Point) past {
	p := past{seen: len(points), idle: len(points), over: len(points)}
	first, last, window, calls := -1, -1, 0, 0
	begun := -1
	for i, point := range points {
		p.opens += int(point.Opens)
		p.closes += int(point.Closes)
		p.failures += int(point.Failures)
		if i >= len(points)-recentSeconds {
			p.recent.opens += int(point.Opens)
			p.recent.closes += int(point.Closes)
			p.recent.failures += int(point.Failures)
		}
		window += int(point.Opens)
		calls += int(point.Opens) + int(point.Failures)
		if i >= burstSeconds {
			window -= int(points[i-burstSeconds].Opens)
			calls -= int(points[i-burstSeconds].Opens) + int(points[i-burstSeconds].Failures)
		}
		p.burst, p.most = max(p.burst, window), max(p.most, calls)
		if i >= len(points)-freshSeconds {
			p.fresh += int64(point.Opens)
		}
		if point.Opens > 0 || point.Failures > 0 {
			if begun < 0 {
				begun = i
			}
			p.active, p.over = i-begun+1, len(points)-1-i
		}
		if point.Opens == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	if first >= 0 {
		p.span, p.idle = last-first+1, len(points)-1-last
	}
	return p
}

// calls returns how many connections were wanted, and how many per second.
func (p *past) calls() (n int, perSecond float64) {
	n = p.opens + p.failures
	return n, float64(n) / float64(max(p.active, 1))
}

// rate returns how many connections were wanted per second while the load went on: in its busiest
// seconds, but if nearly all of it came in those. Of one that has just begun, or is over, the rate of
// a snapshot is too low.
func (p *past) rate() float64 {
	n, perSecond := p.calls()
	if p.active < burstSeconds || p.active >= 2*burstSeconds && p.most*10 > n*8 {
		return perSecond
	}
	return float64(p.most) / burstSeconds
}

// steady reports whether connections have been opened for that many seconds up to now, and not at once.
func (p *past) steady(seconds int) bool {
	return p.span >= seconds && p.idle < burstSeconds && p.burst*10 <= p.opens*8
}

// keeps reports whether next to no connection has ended.
func (p *past) keeps() bool { return p.closes*10 <= p.opens }
