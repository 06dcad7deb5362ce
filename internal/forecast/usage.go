package forecast

import (
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Usage is how the connections of a port space come and end, as the stream shows it.
type Usage struct {
	History history.History // the end of a connection counts in the second in which it was opened
	First   event.Time      // when the space was used first
	Opens   uint64
	closes  closeStats
}

// Open takes n connections that were opened.
func (u *Usage) Open(at event.Time, n uint64) {
	u.Opens += n
	u.closes.open(at, n)
	u.History.Add(at, snapshot.Point{Opens: uint32(n)})
}

// Close takes n connections that have ended, or whose connect() failed after it had a port.
func (u *Usage) Close(e *event.Event, n uint64) {
	u.closes.add(e, n)
	u.History.Add(e.Time.Add(-time.Duration(e.Duration)), snapshot.Point{Closes: uint32(n)})
}

// Fold takes opens and closes that were counted in the kernel and not delivered one by one.
func (u *Usage) Fold(at event.Time, opens, closes uint64) {
	u.Opens += opens
	u.History.Add(at, snapshot.Point{Opens: uint32(opens), Closes: uint32(closes)})
	u.closes.open(at, opens)
	u.closes.leave(at, closes)
}

// Leave takes a connection away whose end was not seen.
func (u *Usage) Leave(at event.Time) { u.closes.leave(at, 1) }

// Inputs completes the inputs of a forecast, whose Occupancy, BoundRate and Expiring are
// set. A TIME_WAIT bucket takes its port away for timeWaitLife; one that waits for the
// peer's FIN is not reused and does so for finWait2Life.
func (u *Usage) Inputs(in *Inputs, timeWaitLife, finWait2Life time.Duration, now event.Time) {
	c := &u.closes
	in.Rate, in.RateError = u.rate(now)
	in.LeakShare = u.leakShare(now)
	in.Lifetime, in.Draining = c.expected(now), int(c.live+0.5)
	if in.LeakShare > 0 {
		in.Lifetime = c.lifetime()
		in.Draining = int(in.Rate * (1 - in.LeakShare) * in.Lifetime.Seconds())
	}
	in.Closed = uint64(c.n)
	in.BucketLife = timeWaitLife
	if c.timeWait > 0 {
		share := c.finWait2 / c.timeWait
		in.BucketLife = time.Duration((1-share)*float64(timeWaitLife) + share*float64(finWait2Life))
	}
	if c.n > 0 {
		in.TimeWaitShare = c.timeWait / c.n
	}
}

// rateWindow is the number of whole seconds over which the rate of a forecast is taken.
const rateWindow = 10

// rate returns the mean of opens per second in the last whole seconds, since the first if
// that is more recent, and its standard error. Arrivals can be burstier or steadier than
// chance, so the error comes from the seconds themselves if there are enough.
func (u *Usage) rate(now event.Time) (rate, deviation float64) {
	last := history.SecondOf(now) - 1
	from := max(last-rateWindow+1, history.SecondOf(u.First))
	if last < from { // the first second is not over
		passed := max(now.Sub(u.First), 100*time.Millisecond).Seconds()
		return float64(u.Opens) / passed, math.Sqrt(float64(u.Opens)) / passed
	}
	var sum, squares float64
	n := float64(last - from + 1)
	for _, s := range u.History.Seconds() {
		if from <= s.At && s.At <= last {
			sum += float64(s.Opens)
			squares += float64(s.Opens) * float64(s.Opens)
		}
	}
	if history.SecondOf(u.First) == from { // it began in the midst of that second
		whole := event.Time((from + 1) * int64(time.Second)).Sub(u.First).Seconds()
		n -= 1 - whole
	}
	rate = sum / n
	if n < 3 {
		return rate, math.Sqrt(sum) / n
	}
	variance := max(squares/n-rate*rate, 0)
	return rate, math.Sqrt(variance / n)
}

const (
	// A connection that has been open for leakLifetimes mean lifetimes of those that ended is
	// not one of their kind: of exponential ones 5 in 100,000 come to that age.
	leakLifetimes = 10
	// leakFloor is by how much their share must be above that of those that ended at such an
	// age, and leakCount is their least number, to be called a leak.
	leakFloor, leakCount = 0.01, 3
)

// leakShare returns the share of opens that stay open: those that are older than others
// get, of all that could be. 0 if there are none, or if none has come to that age.
func (u *Usage) leakShare(now event.Time) float64 {
	if u.closes.n == 0 {
		return 0
	}
	oldest := history.SecondOf(now) - snapshot.HistorySeconds + 1
	youngest := history.SecondOf(now.Add(-leakLifetimes*u.closes.lifetime())) - 1
	var opens, ended float64
	for _, s := range u.History.Seconds() {
		if oldest <= s.At && s.At <= youngest {
			opens += float64(s.Opens)
			ended += float64(s.Closes)
		}
	}
	stay := opens - ended
	if share := stay/opens - u.closes.outliers/u.closes.n; stay >= leakCount && share >= leakFloor {
		return share
	}
	return 0
}
