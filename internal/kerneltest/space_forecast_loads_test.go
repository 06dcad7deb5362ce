package kerneltest

import (
	"cmp"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kerneltest/figures"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// judgedLoad is a load in a namespace of its own, of whose spaces every forecast is judged.
type judgedLoad struct {
	kind  string
	ports int
	jobs  []lab.Client // at the same time
	ends  time.Duration

	net     *lab.Netns
	begun   event.Time
	full    event.Time // the first call found no port; 0: none did
	samples []sampled
}

const (
	judgedFor = 80 * time.Second // the first buckets have expired
	// endedFor is how long after its end a load can have a forecast: silence is no end at once.
	endedFor = 4 * time.Second
)

// judgedLoads are twenty loads of several kinds, which fill their range within judgedFor or
// do not.
func judgedLoads(targets []netip.AddrPort) (list []*judgedLoad) {
	add := func(kind string, ports int, ends time.Duration, jobs ...lab.Client) {
		for i := range jobs {
			if jobs[i].To == nil {
				jobs[i].To = targets[:1]
			}
			jobs[i].For = cmp.Or(ends, judgedFor)
		}
		list = append(list, &judgedLoad{kind: kind, ports: ports, ends: ends, jobs: jobs})
	}
	early := lab.Socket{Bind: netip.AddrPortFrom(targets[0].Addr(), 0)}
	for i := range 4 {
		n := float64(i + 1)
		add("churn", 300, 0, lab.Client{Rate: 2.2 * n * n, Talk: true})
		add("a leak", 200, 0, lab.Client{Rate: 1.5 * n, Hold: true})
		add("a pool opened at once", 128, 0, lab.Client{Count: 20 * (i + 1), Hold: true})
		add("early bind, many destinations", 400, 0, lab.Client{Socket: early, To: targets[:i+1], Rate: 3 + 5*n, Talk: true})
	}
	add("the owner ends", 600, 8*time.Second, lab.Client{Rate: 30, Talk: true})
	add("the owner ends", 300, 12*time.Second, lab.Client{Rate: 10, Talk: true})
	add("several programs", 500, 0, lab.Client{Rate: 4, Talk: true}, lab.Client{Rate: 2, Hold: true}, lab.Client{Socket: early, Rate: 3, Talk: true})
	add("several programs", 300, 0, lab.Client{Rate: 1, Talk: true}, lab.Client{Rate: 1.5, Talk: true})
	return list
}

// TestForecastLoads holds the forecasts of twenty real loads against the first call that finds
// no port. Its figures go into docs/accuracy.md, as those of the simulated loads.
func TestForecastLoads(t *testing.T) {
	t.Parallel()
	var targets []netip.AddrPort
	for port := range uint16(4) {
		targets = append(targets, netip.AddrPortFrom(loopV4.Addr(), loopV4.Port()+port))
	}
	loads := judgedLoads(targets)
	var nets []*lab.Netns
	for _, l := range loads {
		l.net = loopbackNet(t, l.ports, targets...)
		nets = append(nets, l.net)
	}
	w := traceSpaces(t, nets...)
	w.awaitScans(nets...)
	for _, l := range loads {
		l.begun = monotonic()
		for i := range l.jobs {
			spawn(t, l.net, fmt.Sprintf("load%d", i), &l.jobs[i])
		}
	}
	for begun := time.Now(); time.Since(begun) < judgedFor-2*time.Second; time.Sleep(time.Second) {
		snap := w.snapshot()
		for _, l := range loads {
			l.sample(w, snap)
		}
	}
	end := monotonic()
	results := map[string]*figures.Forecast{}
	for _, l := range loads {
		f := results[l.kind]
		if f == nil {
			f = &figures.Forecast{Load: l.kind, Where: kernelRelease(t) + " " + runtime.GOARCH}
			results[l.kind] = f
		}
		l.judge(t, f, end)
	}
	var held, missed int
	for _, f := range results {
		t.Log(*f)
		held, missed = held+f.Held, missed+f.Missed
		if f.False > 0 {
			t.Errorf("never was false: %+v", *f)
		}
	}
	if held < 9*missed || held == 0 {
		t.Errorf("%d held, %d missed: less than 90 %%", held, missed)
	}
}

// sample keeps the rows of the load's spaces until a call finds no port.
func (l *judgedLoad) sample(w *spaceTrace, snap *snapshot.Snapshot) {
	for _, kind := range []event.Kind{event.ConnectFail, event.BindFail} {
		for _, e := range w.received(kind, l.net) {
			if at := cmp.Or(e.First, e.Time); e.Reason == event.RangeExhausted && (l.full == 0 || at < l.full) {
				l.full = at
			}
		}
	}
	if l.full != 0 {
		return
	}
	for _, row := range spacesOf(snap, l.net) {
		if row.Kind == snapshot.ConnectSpace && !row.IsFull() {
			l.samples = append(l.samples, sampled{snap.At, row})
		}
	}
}

// truth returns when the space was full as of a moment, 0: it was not. While the owner has
// not ended it is when the load would have filled the range if it had gone on: before the
// first bucket expires.
func (l *judgedLoad) truth(at event.Time) event.Time {
	if at >= l.begun.Add(l.ends) {
		return l.full
	}
	return l.begun.Add(time.Duration(float64(l.ports) / l.jobs[0].Rate * float64(time.Second)))
}

// judge counts the forecasts that held.
func (l *judgedLoad) judge(t *testing.T, c *figures.Forecast, end event.Time) {
	c.Loads++
	for _, s := range l.samples {
		f, full := &s.row.Forecast, l.truth(s.at)
		switch ended := l.begun.Add(l.ends); {
		case !f.Known:
			c.Silent++
			continue
		case l.ends != 0 && s.at > ended.Add(endedFor):
			t.Errorf("%s after the owner's end: %s", s.at.Sub(ended), spaceText(&s.row))
		}
		if !f.Never && f.High >= 0 {
			c.Both++
			if !heldForecast(f, s.at, full, end) {
				c.BothMissed++
			}
		}
		if f.Never && f.Low < 0 {
			c.Never++
			if full != 0 {
				c.False++
			}
		}
		if heldForecast(f, s.at, full, end) {
			c.Held++
			continue
		}
		c.Missed++
		t.Logf("%s: it was %.1f s (0: never) until full, [%.1f %.1f] were stated: %s; %s", l.kind, max(full.Sub(s.at).Seconds(), 0),
			f.Low.Seconds(), f.High.Seconds(), spaceText(&s.row), f.Model)
	}
}

// heldForecast reports whether the moment was in the interval, which is read in whole seconds.
// full is 0 if no call has failed until the end.
func heldForecast(f *snapshot.Forecast, at, full, end event.Time) bool {
	in := full.Sub(at)
	switch {
	case full == 0:
		return f.Never || f.High < 0 || at.Add(f.High) >= end
	case f.Never && f.Low < 0:
		return false
	}
	return in >= f.Low.Truncate(time.Second) && (f.High < 0 || in <= f.High+time.Second)
}
