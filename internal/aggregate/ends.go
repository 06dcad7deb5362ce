package aggregate

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// ends is how connections of late ended: sums over some thousand of them.
type ends struct {
	n, timeWait, finWait2 float64 // finWait2: of timeWait
	late                  float64 // of n: long after most others
	seconds               float64 // for which those were open that ended
	exposure              float64 // for which any was open, those too that still are
	live                  float64 // opened while they were counted, and not ended
	at                    event.Time
}

// manyEnds are enough; more than that, and the older half counts half.
const manyEnds = 4096

// pass adds up the time for which connections are open.
func (m *ends) pass(to event.Time) {
	if m.at != 0 && to > m.at {
		m.exposure += m.live * to.Sub(m.at).Seconds()
	}
	m.at = max(m.at, to)
}

func (m *ends) open(at event.Time, n uint64) {
	m.pass(at)
	m.live += float64(n)
}

// leave takes connections away of which nothing else is known.
func (m *ends) leave(at event.Time, n uint64) {
	m.pass(at)
	m.live = max(m.live-float64(n), 0)
}

func (m *ends) add(e *event.Event, n uint64) {
	m.leave(e.Time, n)
	if m.n >= manyEnds {
		m.n, m.timeWait, m.finWait2 = m.n/2, m.timeWait/2, m.finWait2/2
		m.late, m.seconds, m.exposure = m.late/2, m.seconds/2, m.exposure/2
	}
	if m.n > 0 && time.Duration(e.Duration) > leakLifetimes*m.lifetime() {
		m.late += float64(n)
	}
	m.n += float64(n)
	m.seconds += float64(n) * time.Duration(e.Duration).Seconds()
	if e.Flags&(event.TimeWait|event.FinWait2) != 0 {
		m.timeWait++
	}
	if e.Flags.Has(event.FinWait2) && e.Inferred&event.FieldTimeWait == 0 {
		m.finWait2++
	}
}

// lifetime is the mean of those that ended. Early on these are the short ones.
func (m *ends) lifetime() time.Duration { return mean(m.seconds, m.n) }

// expected is the mean lifetime that takes those into account that have not ended: how long
// any was open for each that ended.
func (m ends) expected(now event.Time) time.Duration {
	m.pass(now) // of the copy: when a snapshot is taken changes nothing
	return mean(m.exposure, m.n)
}

func mean(seconds, n float64) time.Duration {
	if n == 0 {
		return 0
	}
	return time.Duration(seconds / n * float64(time.Second))
}

// bucketLife is the mean of how long the buckets take their ports away. Those that wait for
// the peer's FIN are not reused, and last for tcp_fin_timeout: a minute, unless it was set.
func (m *ends) bucketLife(s *portspace.Space) time.Duration {
	if m.timeWait == 0 {
		return s.TimeWaitLife()
	}
	share := m.finWait2 / m.timeWait
	return time.Duration((1-share)*float64(s.TimeWaitLife()) + share*float64(portspace.TimeWaitLife))
}

// end takes a connection that has ended, or whose connect() failed after it had a port.
func (f *flow) end(e *event.Event, n uint64) {
	f.ends.add(e, n)
	f.history.add(e.Time.Add(-time.Duration(e.Duration)), snapshot.Point{Closes: uint32(n)})
}

const (
	// A connection that has been open for so many mean lifetimes of those that ended is not
	// one of their kind: of exponential ones 5 in 100,000 come to that age.
	leakLifetimes = 10
	// leakFloor is by how much their share must be above that of those that ended at such an
	// age, and leakCount is their least number, to be called a leak.
	leakFloor, leakCount = 0.01, 3
)

// leak is the share of opens that stay open: those that are older than others get, of all
// that could be. 0 where none are, or where nobody has come to that age.
func (f *flow) leak(now event.Time) float64 {
	if f.ends.n == 0 {
		return 0
	}
	oldest := secondOf(now) - snapshot.HistorySeconds + 1
	youngest := secondOf(now.Add(-leakLifetimes*f.ends.lifetime())) - 1
	var opens, ended float64
	for _, s := range f.history.seconds {
		if oldest <= s.at && s.at <= youngest {
			opens += float64(s.Opens)
			ended += float64(s.Closes)
		}
	}
	stay := opens - ended
	if share := stay/opens - f.ends.late/f.ends.n; stay >= leakCount && share >= leakFloor {
		return share
	}
	return 0
}

// use fills in how the connections of the flow come and end.
func (f *flow) use(load *portspace.Load, space *portspace.Space, now event.Time) {
	m := &f.ends
	load.Rate, load.RateError = f.rate(now)
	load.Leak = f.leak(now)
	load.Lifetime, load.Ending = m.expected(now), int(m.live+0.5)
	if load.Leak > 0 {
		load.Lifetime = m.lifetime()
		load.Ending = int(load.Rate * (1 - load.Leak) * load.Lifetime.Seconds())
	}
	load.Ended, load.BucketLife = uint64(m.n), m.bucketLife(space)
	if m.n > 0 {
		load.TimeWait = m.timeWait / m.n
	}
}
