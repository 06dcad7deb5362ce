package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// growthSeconds is how far back growth looks; between its halves it compares.
const growthSeconds = 10

// growth is how many ports of the range are bound and no more, and the fewest there were in
// each of the last seconds: that a bound socket was closed is known at the next look at all
// sockets only, so what comes and goes climbs in between.
type growth struct {
	now    int
	lows   [growthSeconds]int
	second int64 // the newest of them
	began  int64
}

// steady has not grown.
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

// rate is how many more there are each second, 0 where they do not grow.
func (g growth) rate(now event.Time) float64 {
	g.advance(now) // the copy: when it is asked for changes nothing
	const half = growthSeconds / 2
	var ordered [growthSeconds]int // the oldest first
	for i := range ordered {
		ordered[i] = g.lows[(g.second+1+int64(i))%growthSeconds]
	}
	more := slices.Min(ordered[half:]) - slices.Min(ordered[:half])
	return float64(max(more, 0)) / half
}
