package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// growthSeconds is the length of the window whose halves growth compares.
const growthSeconds = 10

// growth is the number of ports of the range that are bound and not connected, and its
// minimum in each of the last seconds: the close of a bound socket is known from the next
// scan only, so the number of short-lived ones climbs in between.
type growth struct {
	now    int
	lows   [growthSeconds]int
	second int64 // the newest of them
	began  int64
}

// steady returns a growth of zero.
func steady(now int) growth {
	g := growth{now: now}
	for i := range g.lows {
		g.lows[i] = now
	}
	return g
}

func (g *growth) add(n int, at event.Time, existed bool) {
	if g.began == 0 {
		g.began = second(at)
	}
	g.advance(at)
	g.now += n
	if existed || second(at) <= g.began {
		for i := range g.lows {
			g.lows[i] += n
		}
		return
	}
	low := &g.lows[g.second%growthSeconds]
	*low = min(*low, g.now)
}

func (g *growth) advance(to event.Time) {
	g.second = max(g.second, second(to)-growthSeconds)
	for g.second < second(to) {
		g.second++
		g.lows[g.second%growthSeconds] = g.now
	}
}

// rate returns how many more there are each second, 0 if they do not grow.
func (g growth) rate(now event.Time) float64 {
	g.advance(now) // of the copy: a snapshot changes nothing
	const half = growthSeconds / 2
	var ordered [growthSeconds]int // the oldest first
	for i := range ordered {
		ordered[i] = g.lows[(g.second+1+int64(i))%growthSeconds]
	}
	more := slices.Min(ordered[half:]) - slices.Min(ordered[:half])
	return float64(max(more, 0)) / half
}
