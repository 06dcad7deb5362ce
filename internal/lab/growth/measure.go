package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// costs are those of one load.
type costs struct {
	event      float64 // ns, with its part of what is done once a second
	snapshot   float64 // ms
	comparison float64 // ms, of a scan of all sockets that finds what is known
	memory     float64 // MiB of heap
}

// measureAll returns a chart of each cost, over all axes.
func measureAll(ctx context.Context, cfg config) ([]chart, error) {
	charts := []chart{
		{name: "event", title: "Time of an event, ns", unit: "ns", one: true},
		{name: "snapshot", title: "Time of a snapshot, ms", unit: "ms"},
		{name: "comparison", title: "Time of the comparison with a scan of all sockets, ms", unit: "ms"},
		{name: "memory", title: "Memory, MiB of heap", unit: "MiB"},
	}
	for _, a := range axes {
		var lines [4]series
		for _, l := range a.loads(cfg.most) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			c, err := measure(l, cfg.passes)
			if err != nil {
				return nil, fmt.Errorf("%+v: %w", l, err)
			}
			for i, cost := range []float64{c.event, c.snapshot, c.comparison, c.memory} {
				lines[i].points = append(lines[i].points, point{float64(*a.of(&l)), cost})
			}
		}
		for i := range charts {
			lines[i].name = a.name
			charts[i].lines = append(charts[i].lines, lines[i])
		}
	}
	return charts, nil
}

// running is a load in a pipeline.
type running struct {
	load
	state *pipeline.State
	now   event.Time
	next  int // the next connection of a pass
}

const (
	// passEvents are those of a second: a busy host.
	passEvents = 20_000
	passEvery  = time.Second / (passEvents / 2) // an Open and a Close
	// batchEvents are those of a batch, as of 50 ms.
	batchEvents = passEvents / 20
)

func measure(l load, passes int) (costs, error) {
	before := heap()
	r, err := newRunning(l)
	if err != nil {
		return costs{}, err
	}
	c := costs{memory: float64(heap()-before) / (1 << 20)}
	if c.event, err = least(passes, r.second); err != nil {
		return c, err
	}
	c.event /= passEvents
	if c.snapshot, err = least(passes, r.snapshot); err != nil {
		return c, err
	}
	c.comparison, err = least(passes, r.comparison)
	c.snapshot, c.comparison = c.snapshot/1e6, c.comparison/1e6
	return c, err
}

// newRunning returns a pipeline that has taken in the load.
func newRunning(l load) (*running, error) {
	r := &running{load: l, state: pipeline.NewState(nil), now: event.Time(time.Hour)}
	return r, r.fill()
}

// fill opens all connections, and closes those that are not to live.
func (r *running) fill() error {
	if err := r.add(event.Batch{Events: r.facts(r.now)}); err != nil {
		return err
	}
	var events []event.Event
	for i := range r.size() {
		r.now = r.now.Add(10 * time.Microsecond)
		open := r.connection(i, r.now)
		if events = append(events, open); i >= r.sockets {
			events = append(events, closed(open, r.now))
		}
		if len(events) >= batchEvents || i == r.size()-1 {
			if err := r.add(event.Batch{Events: events}); err != nil {
				return err
			}
			events = events[:0]
		}
	}
	return nil
}

func (r *running) add(batch event.Batch) error {
	batch.Now = r.now
	return r.state.Add(batch, nil)
}

// stride takes the connections of a pass out of order: it has no divisor in common with their
// number, which has none but 2 and 5.
const stride = 7919

// second adds the events of a second: connections to all that is there, that do not live.
func (r *running) second() (time.Duration, error) {
	batches := make([][]event.Event, 0, passEvents/batchEvents)
	for range passEvents / batchEvents {
		events := make([]event.Event, 0, batchEvents)
		for range batchEvents / 2 {
			r.now = r.now.Add(passEvery)
			open := r.connection(r.next%r.size(), r.now)
			open.Src.Port, open.Cookie = highPort, uint64(r.size()+1+r.next)
			events = append(events, open, closed(open, r.now))
			r.next += stride
		}
		batches = append(batches, events)
	}
	return timed(func() error {
		for _, events := range batches {
			if err := r.state.Add(event.Batch{Events: events, Now: events[len(events)-1].Time}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *running) snapshot() (time.Duration, error) {
	return timed(func() error {
		r.state.Snapshot(r.now)
		return nil
	})
}

// comparison compares a scan with the table, which is as the scan has it.
func (r *running) comparison() (time.Duration, error) {
	r.now = r.now.Add(time.Second)
	scan := r.scan(r.now)
	return timed(func() error { return r.add(event.Batch{Scan: scan}) })
}

// timed returns the CPU time of the process that f takes. What was left to collect before is not
// its own.
func timed(f func() error) (time.Duration, error) {
	runtime.GC()
	before := cpuTime()
	err := f()
	return cpuTime() - before, err
}

func cpuTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) // fails only if there is no such clock
	return time.Duration(ts.Nano())
}

// least returns the least time in ns of some passes, after one that warms up.
func least(passes int, pass func() (time.Duration, error)) (float64, error) {
	best := math.Inf(1)
	for i := range passes + 1 {
		took, err := pass()
		if err != nil {
			return 0, err
		}
		if i > 0 {
			best = min(best, float64(took.Nanoseconds()))
		}
	}
	return best, nil
}

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what is in a sync.Pool is there until the second one
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
