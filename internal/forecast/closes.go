package forecast

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// closeStats sums up the connections of a port space that were closed recently, some
// thousand of them.
type closeStats struct {
	n, timeWait, finWait2 float64 // finWait2: of timeWait
	outliers              float64 // of n: closed much later than most others
	seconds               float64 // sum of the lifetimes of those that ended
	exposure              float64 // sum of the times for which any was open, those too that still are
	live                  float64 // opened while they were counted, and not ended
	at                    event.Time
}

// manyCloses are enough; when more have been counted, the older half counts half.
const manyCloses = 4096

// pass adds up the time for which connections are open.
func (c *closeStats) pass(to event.Time) {
	if c.at != 0 && to > c.at {
		c.exposure += c.live * to.Sub(c.at).Seconds()
	}
	c.at = max(c.at, to)
}

func (c *closeStats) open(at event.Time, n uint64) {
	c.pass(at)
	c.live += float64(n)
}

// leave takes connections away of which nothing else is known.
func (c *closeStats) leave(at event.Time, n uint64) {
	c.pass(at)
	c.live = max(c.live-float64(n), 0)
}

func (c *closeStats) add(e *event.Event, n uint64) {
	c.leave(e.Time, n)
	c.halve()
	if c.n > 0 && time.Duration(e.Duration) > leakLifetimes*c.lifetime() {
		c.outliers += float64(n)
	}
	c.n += float64(n)
	c.seconds += float64(n) * time.Duration(e.Duration).Seconds()
	if e.Flags&(event.TimeWait|event.FinWait2) != 0 {
		c.timeWait++
	}
	if e.Flags.Has(event.FinWait2) && e.Inferred&event.FieldTimeWait == 0 {
		c.finWait2++
	}
}

func (c *closeStats) halve() {
	if c.n >= manyCloses {
		c.n, c.timeWait, c.finWait2 = c.n/2, c.timeWait/2, c.finWait2/2
		c.outliers, c.seconds, c.exposure = c.outliers/2, c.seconds/2, c.exposure/2
	}
}

// fold takes connections that were only counted. How many of their buckets were in FIN_WAIT2, and
// how many closed late, is not: as many as of the others.
func (c *closeStats) fold(at event.Time, f *event.Fold) {
	c.halve()
	c.open(at, f.Opens)
	c.leave(at, f.ClosesOut)
	if f.Lifetimes == 0 { // none has ended, or a recording of an earlier version does not say
		return
	}
	closed, left := float64(f.ClosesOut), float64(f.TimeWaitOut)
	if c.n > 0 {
		c.outliers += closed * c.outliers / c.n
	}
	if c.timeWait > 0 {
		c.finWait2 += left * c.finWait2 / c.timeWait
	}
	c.n, c.timeWait = c.n+closed, c.timeWait+left
	c.seconds += time.Duration(f.Lifetimes).Seconds()
}

// lifetime returns the mean of those that ended. Early on these are the short ones.
func (c *closeStats) lifetime() time.Duration { return mean(c.seconds, c.n) }

// expected returns the mean lifetime that takes those into account that have not ended: for
// how long any was open for each that ended.
func (c closeStats) expected(now event.Time) time.Duration {
	c.pass(now) // of the copy: a snapshot changes nothing
	return mean(c.exposure, c.n)
}

// longest returns the most that the mean lifetime can be at a rate of opens. More are open than
// the lifetimes of those that ended explain: these can stay open for twice the time for
// which the space was watched.
func (c closeStats) longest(rate float64, watched time.Duration, now event.Time) time.Duration {
	c.pass(now) // of the copy
	excess := max(c.live-rate*c.lifetime().Seconds(), 0)
	return mean(c.exposure+2*excess*watched.Seconds(), c.n)
}

func mean(seconds, n float64) time.Duration {
	if n == 0 {
		return 0
	}
	return time.Duration(seconds / n * float64(time.Second))
}
