package kerneltest

import (
	"cmp"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// steady is a load in a namespace of its own: connections that close at once, at a rate.
type steady struct {
	name  string
	rate  float64
	burst int           // of connections before
	after time.Duration // when the load begins, from the burst
	fills bool          // the range does not suffice

	net     *lab.Netns
	begun   event.Time
	samples []sampled
}

// sampled is the row of the load's space in a snapshot.
type sampled struct {
	at  event.Time
	row snapshot.PortSpace
}

const steadyPorts = 1000

// steadyFor is the jobLimit that a load goes on: each bucket that it begins with has ended,
// and so have the first that it made.
const steadyFor = 100 * time.Second

// The forecast of a full space comes true: before any bucket ends, and with buckets that end
// meanwhile. A load that the space can sustain is reported as such.
func TestForecast(t *testing.T) {
	t.Parallel() // it mostly waits
	loads := []*steady{
		{name: "fast", rate: 50, fills: true},
		{name: "behind a burst", rate: 18, burst: 300, after: 25 * time.Second, fills: true},
		{name: "sustainable", rate: 12},
	}
	var nets []*lab.Netns
	for _, l := range loads {
		l.net = loopbackNet(t, steadyPorts, loopV4)
		nets = append(nets, l.net)
	}
	w := traceSpaces(t, nets...)
	w.awaitScans(nets...)
	for _, l := range loads {
		if l.burst > 0 {
			run(t, l.net, "burst", &lab.Client{To: []netip.AddrPort{loopV4}, Count: l.burst, Talk: true})
		}
	}
	burst := time.Now()
	for going := len(loads); going > 0 && time.Since(burst) < steadyFor; {
		snap := w.snapshot()
		going = 0
		for _, l := range loads {
			if l.step(t, w, snap, time.Since(burst)) {
				going++
			}
		}
	}
	for _, l := range loads {
		t.Run(l.name, func(t *testing.T) {
			if l.fills {
				l.checkETA(t, w)
			} else {
				l.checkSustainable(t, w)
			}
		})
	}
}

// step starts the load when it is time, and keeps its rows until the first failure. It reports
// whether the load goes on.
func (l *steady) step(t *testing.T, w *spaceTrace, snap *snapshot.Snapshot, passed time.Duration) bool {
	t.Helper()
	if passed < l.after {
		return true
	}
	if l.begun == 0 {
		l.begun = monotonic()
		spawn(t, l.net, "steady", &lab.Client{To: []netip.AddrPort{loopV4}, Rate: l.rate, Talk: true, For: steadyFor})
		return true
	}
	if row := rowOf(snap, loopID(l.net, loopV4)); row != nil {
		l.samples = append(l.samples, sampled{snap.At, *row})
	}
	return len(w.received(event.ConnectFail, l.net)) == 0
}

// opens returns how many there were each second.
func (l *steady) opens(w *spaceTrace, from, to event.Time) float64 {
	n := 0
	for _, e := range w.received(event.Open, l.net) {
		if from <= e.Time && e.Time < to {
			n++
		}
	}
	return float64(n) / to.Sub(from).Seconds()
}

// checkETA compares the forecasts of several moments with the first failure. If the rate of the
// load has changed since, the forecast is scaled.
func (l *steady) checkETA(t *testing.T, w *spaceTrace) {
	fails := w.received(event.ConnectFail, l.net)
	if len(fails) == 0 {
		t.Fatalf("no connect has failed in %s", steadyFor)
	}
	full := cmp.Or(fails[0].First, fails[0].Time)
	if full <= l.begun || fails[0].Reason != event.RangeExhausted {
		t.Fatalf("the first failure is %+v", fails[0])
	}
	for _, part := range []float64{0.25, 0.4, 0.6, 0.8} {
		s := l.sampleAt(l.begun.Add(time.Duration(part * float64(full.Sub(l.begun)))))
		left := full.Sub(s.at).Seconds()
		before, since := l.opens(w, max(l.begun, s.at.Add(-10*time.Second)), s.at), l.opens(w, s.at, full)
		foreseen := s.row.Forecast.ETA.Seconds() * before / since
		t.Logf("%.1f s before the first failure: %s; at the pace that followed (%.2f opens/s, before %.2f) %.1f s",
			left, spaceText(&s.row), since, before, foreseen)
		if f := s.row.Forecast; !f.Known || f.Never || math.Abs(foreseen/left-1) > 0.1 {
			t.Errorf("the first failure came in %.1f s, foreseen were %.1f s: %+v", left, foreseen, f)
		}
	}
	// The last sample can be a second and more from before it.
	if last := l.samples[len(l.samples)-1].row; last.InUse() < steadyPorts-2*int(l.rate) {
		t.Errorf("just before the first failure: %s", spaceText(&last))
	}
}

// sampleAt returns the first from then on.
func (l *steady) sampleAt(at event.Time) sampled {
	for _, s := range l.samples {
		if s.at >= at {
			return s
		}
	}
	return l.samples[len(l.samples)-1]
}

// checkSustainable compares with the steady state, in which as many buckets end as are made.
func (l *steady) checkSustainable(t *testing.T, w *spaceTrace) {
	if fails := w.received(event.ConnectFail, l.net); len(fails) > 0 {
		t.Fatalf("a connect has failed: %+v", fails[0])
	}
	for _, s := range l.samples {
		if s.at > l.begun.Add(10*time.Second) && !s.row.Forecast.Never {
			t.Errorf("after %s: %s", s.at.Sub(l.begun), spaceText(&s.row))
			break
		}
	}
	last := l.samples[len(l.samples)-1]
	if last.at < l.begun.Add(70*time.Second) {
		t.Fatalf("the load has been watched for %s", last.at.Sub(l.begun))
	}
	var used float64
	from := last.at.Add(-15 * time.Second)
	n := 0
	for _, s := range l.samples {
		if s.at > from {
			used += float64(s.row.InUse())
			n++
		}
	}
	held := used / float64(n) / l.opens(w, from.Add(-60*time.Second), last.at)
	real := steadyPorts / held
	t.Logf("each open held its port for %.2f s, so that %.2f opens/s are sustainable; reported are %.2f (textbook %.2f); %s",
		held, real, last.row.Sustainable, last.row.Textbook, spaceText(&last.row))
	if math.Abs(last.row.Sustainable/real-1) > 0.03 {
		t.Errorf("%.2f opens/s are reported as sustainable, it is %.2f", last.row.Sustainable, real)
	}
}
