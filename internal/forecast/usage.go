package forecast

import (
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
	// EarlyOpens are those of a port that a bind() owned before.
	EarlyOpens uint64
	lastOpen   event.Time
	closes     closeStats
}

// Open takes n connections that were opened.
func (u *Usage) Open(at event.Time, n uint64) {
	u.Opens += n
	u.lastOpen = max(u.lastOpen, at)
	u.closes.open(at, n)
	u.History.Add(at, snapshot.Point{Opens: uint32(n)})
}

// OpenEarly takes n connections whose port a bind() owned before.
func (u *Usage) OpenEarly(at event.Time, n uint64) {
	u.Open(at, n)
	u.EarlyOpens += n
}

// Close takes n connections that have ended, or whose connect() failed after it had a port.
func (u *Usage) Close(e *event.Event, n uint64) {
	u.closes.add(e, n)
	u.History.Add(e.Time.Add(-time.Duration(e.Duration)), snapshot.Point{Closes: uint32(n)})
}

// Fold takes opens and closes that were counted in the kernel and not delivered one by one. Closes
// count in the second in which their connections were opened, by their mean lifetime.
func (u *Usage) Fold(e *event.Event, f *event.Fold) {
	u.Opens += f.Opens
	u.EarlyOpens += f.EarlyBinds
	if f.Opens > 0 {
		u.lastOpen = max(u.lastOpen, e.Time)
	}
	life := time.Duration(f.Lifetimes / max(f.ClosesOut, 1))
	u.History.AddSpan(e.First, e.Last, snapshot.Point{Opens: uint32(f.Opens)})
	u.History.AddSpan(e.First.Add(-life), e.Last.Add(-life), snapshot.Point{Closes: uint32(f.ClosesOut)})
	u.closes.fold(e.Time, f)
}

// Leave takes a connection away whose end was not seen.
func (u *Usage) Leave(at event.Time) { u.closes.leave(at, 1) }

// BucketLives are for how long buckets take their port away.
type BucketLives struct {
	TimeWait time.Duration // if connect() may reuse it: until it can
	Owned    time.Duration // of a port that a bind() owns: until it ends
	FinWait2 time.Duration // of an orphan that waits for the peer's FIN: it is not reused
	Least    time.Duration // that FinWait2 may be
}

// Load returns how the space is used. It has no rate unless rate is known.
func (u *Usage) Load(rate *Rate, lives BucketLives, now event.Time) Load {
	c := &u.closes
	l := Load{Closed: uint64(c.n), LeakShare: u.leakShare(now), Lifetime: c.expected(now), Draining: int(c.live + 0.5)}
	if rate.Known {
		l.Rate, l.LowRate, l.HighRate = rate.Mean, rate.Low, rate.High
		l.Rise, l.RiseError, l.Dispersion = rate.Rise, rate.RiseError, rate.Dispersion
	}
	l.LongLife = c.longest(l.Rate, rate.Watched, now)
	if l.LeakShare > 0 {
		l.Lifetime = c.lifetime()
		l.Draining = int(l.Rate * (1 - l.LeakShare) * l.Lifetime.Seconds())
	}
	l.BucketLife = u.bucketLife(lives)
	lives.FinWait2 = lives.Least
	l.LeastBucketLife = u.bucketLife(lives)
	if c.n > 0 {
		l.TimeWaitShare = c.timeWait / c.n
	}
	return l
}

// bucketLife is the mean over the kinds of buckets that were left.
func (u *Usage) bucketLife(lives BucketLives) time.Duration {
	waiting := 0.0
	if u.closes.timeWait > 0 {
		waiting = u.closes.finWait2 / u.closes.timeWait
	}
	early := u.EarlyShare()
	ended := early*float64(lives.Owned) + (1-early)*float64(lives.TimeWait)
	return time.Duration(waiting*float64(lives.FinWait2) + (1-waiting)*ended)
}

// EarlyShare returns the share of opens whose port was bound before connect().
func (u *Usage) EarlyShare() float64 {
	if u.Opens == 0 {
		return 0
	}
	return float64(u.EarlyOpens) / float64(u.Opens)
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
