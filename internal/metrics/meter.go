package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// weighEvery is how often the programs are weighed, and halfLife in which time the weight of what one
	// has done is halved.
	weighEvery = 10 * time.Second
	halfLife   = 5 * time.Minute
	// ownerIdleAfter is for how long a program must have done nothing to lose its place to any that has.
	ownerIdleAfter = 10 * time.Minute
	// outweighs is how many times as heavy a program must be to take the place of another.
	outweighs = 4
	// leavesAfter is for how long the series of a program that has lost its place are served as they were: what it
	// did last is seen by the next scrape.
	leavesAfter = 5 * time.Minute
	// failureWeight is how much more a call that failed weighs.
	failureWeight = 4

	maxKnownOwners = 4096 // programs that are weighed
	maxProcesses   = 8192 // of which it is remembered which program they are, twice as many at most
)

// Meter counts the events of the stream by program. It is for one goroutine, but the histogram, which has a
// lock of its own. It counts each event in one place, so that its counters never go backwards.
type Meter struct {
	limit     int
	known     map[ownerKey]*owner
	listed    []*owner
	leaving   []*owner            // that have lost their places, at most as many as are listed, oldest first
	others    tally               // of the programs that are not listed
	exhausted map[event.Op]uint64 // calls that found no port
	failed    map[event.Op]uint64 // calls that failed
	search    prometheus.Histogram

	young, old map[event.ProcID]*owner
	weighAt    event.Time
}

// owner is a program, with what is counted of it while it is listed.
type owner struct {
	key    ownerKey
	listed bool
	tally
	fresh  uint64  // what it has done since it was weighed
	weight float64 // of what it did before
	last   event.Time
	left   event.Time // when it lost its place
}

// NewMeter returns a Meter that lists as many programs by themselves.
func NewMeter(owners int) *Meter {
	return &Meter{
		limit: owners, known: map[ownerKey]*owner{}, exhausted: noCalls(), failed: noCalls(), young: map[event.ProcID]*owner{},
		search: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "porttrace_port_search_seconds",
			Help:    "Time in the port search of connect(), of connections that are delivered one by one.",
			Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10), NativeHistogramBucketFactor: 1.1,
			NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}),
	}
}

// Search returns the histogram of the port search.
func (m *Meter) Search() prometheus.Collector { return m.search }

// Add takes the events of the stream in order: it is a pipeline.Tee. It returns no error.
func (m *Meter) Add(e *event.Event, world *event.World) error {
	if fact, ok := e.Fact.(*event.Process); ok {
		delete(m.young, fact.ID) // it may be another program by now
		delete(m.old, fact.ID)
	}
	if !counts(e.Kind) || e.Flags.Has(event.NotSelected) {
		return nil
	}
	if e.PortSearch > 0 {
		m.search.Observe(time.Duration(e.PortSearch).Seconds())
	}
	to, o := &m.others, m.ownerOf(e, world)
	if o != nil && o.listed {
		to = &o.tally
	}
	n, failed := to.add(e)
	m.failed[callOf(e)] += failed
	if e.Reason == event.RangeExhausted {
		m.exhausted[e.Op] += failed
	}
	if o != nil {
		o.fresh += n + (failureWeight-1)*failed
		o.last = max(o.last, e.Time)
	}
	return nil
}

func counts(k event.Kind) bool {
	switch k {
	case event.Open, event.Close, event.ConnectFail, event.Bind, event.BindFail, event.Folded, event.SocketFound:
		return true
	}
	return false
}

// ownerOf returns the program of an event, nil if there are too many to weigh. Of an accepted connection that
// no process has closed yet it is the listener's.
func (m *Meter) ownerOf(e *event.Event, world *event.World) *owner {
	id := e.Proc
	if !id.Known() {
		id = e.Listener
	}
	if o := m.young[id]; o != nil {
		return o
	}
	o := m.old[id]
	if o == nil {
		if o = m.owner(ownerOf(world.Process(id))); o == nil {
			return nil
		}
	}
	if len(m.young) >= maxProcesses {
		m.old, m.young = m.young, map[event.ProcID]*owner{}
	}
	m.young[id] = o
	return o
}

func (m *Meter) owner(key ownerKey) *owner {
	o := m.known[key]
	if o == nil && len(m.known) < maxKnownOwners {
		o = &owner{key: key}
		m.known[key] = o
		if len(m.listed) < m.limit {
			m.list(o)
		}
	}
	return o
}

func (m *Meter) list(o *owner) {
	o.listed = true
	m.listed = append(m.listed, o)
}

// Advance moves the time of the stream on: it must be called after each batch.
func (m *Meter) Advance(now event.Time) {
	if m.weighAt == 0 {
		m.weighAt = now.Add(weighEvery)
	}
	if now < m.weighAt {
		return
	}
	m.weigh(math.Exp2(-(weighEvery + now.Sub(m.weighAt)).Seconds() / halfLife.Seconds()))
	m.weighAt = now.Add(weighEvery)
	m.leaving = slices.DeleteFunc(m.leaving, func(o *owner) bool { return now.Sub(o.left) >= leavesAfter })
	m.displace(now)
	m.forget()
}

func (m *Meter) weigh(left float64) {
	for _, o := range m.known {
		o.weight = o.weight*left + float64(o.fresh)
		o.fresh = 0
	}
}

// displace gives the places of programs that are idle or light to heavy ones.
func (m *Meter) displace(now event.Time) {
	isIdle := func(o *owner) bool { return now.Sub(o.last) >= ownerIdleAfter }
	waiting := slices.DeleteFunc(m.waiting(), isIdle)
	if len(waiting) == 0 {
		return
	}
	slices.Reverse(waiting) // the heaviest first
	slices.SortFunc(m.listed, func(a, b *owner) int {
		return cmp.Or(compareBool(isIdle(b), isIdle(a)), byWeight(a, b))
	})
	for i, o := range m.listed {
		if i >= len(waiting) || !isIdle(o) && waiting[i].weight <= outweighs*o.weight {
			return
		}
		m.listed[i] = waiting[i]
		m.exchange(o, waiting[i], now)
	}
}

// exchange gives the place of a program to another. From now on the others count what it does.
func (m *Meter) exchange(leaves, comes *owner, now event.Time) {
	leaves.listed, comes.listed, leaves.left = false, true, now
	m.leaving = slices.DeleteFunc(m.leaving, func(o *owner) bool { return o == comes })
	if len(m.leaving) >= m.limit {
		m.leaving = slices.Delete(m.leaving, 0, 1)
	}
	m.leaving = append(m.leaving, leaves)
}

// waiting returns the programs that are not listed, the lightest first.
func (m *Meter) waiting() (list []*owner) {
	for _, o := range m.known {
		if !o.listed {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, byWeight)
	return list
}

// byWeight is an order of programs, the lightest first.
func byWeight(a, b *owner) int {
	return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.last, b.last), cmp.Compare(b.key.program, a.key.program),
		cmp.Compare(b.key.unit, a.key.unit), cmp.Compare(b.key.container, a.key.container))
}

// forget makes room for programs that come. The lightest go of those that are not listed, and those first that
// never were: one that was would begin at 0 again.
func (m *Meter) forget() {
	if len(m.known) < maxKnownOwners*3/4 {
		return
	}
	waiting := m.waiting()
	slices.SortStableFunc(waiting, func(a, b *owner) int { return compareBool(b.isEmpty(), a.isEmpty()) })
	for _, o := range waiting[:min(len(waiting), len(m.known)-maxKnownOwners/2)] {
		if !slices.Contains(m.leaving, o) {
			delete(m.known, o.key)
		}
	}
	clear(m.young)
	clear(m.old)
}

// isEmpty reports whether nothing was counted of it: it never was listed.
func (o *owner) isEmpty() bool {
	return o.opens+o.closesOut+o.closesIn+o.closesUnknown+o.binds == 0 && len(o.failures) == 0
}
