package forecast

import (
	"math"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// timeWaitLife is portspace.TimeWaitLife.
const timeWaitLife = 61440 * time.Millisecond

func near(got time.Duration, want, tolerance float64) bool {
	return math.Abs(got.Seconds()-want) <= tolerance
}

func (l *Load) setRate(rate, margin float64) {
	l.Rate, l.LowRate, l.HighRate = rate, max(rate-margin, 0), rate+margin
}

func TestForecast(t *testing.T) {
	t.Parallel()
	churn := Inputs{
		Occupancy: event.Occupancy{Capacity: 1000}, Load: Load{Rate: 100, LowRate: 96, HighRate: 104, Lifetime: 10 * time.Millisecond, Closed: 50, TimeWaitShare: 1, BucketLife: timeWaitLife},
	}
	with := func(change func(*Inputs)) Inputs {
		l := churn
		change(&l)
		return l
	}
	ends := make([]int, 61)
	for i := range ends {
		ends[i] = 10
	}
	for name, c := range map[string]struct {
		load      Inputs
		eta       float64 // seconds, -1: never
		tolerance float64
	}{
		"churn":                      {churn, 10, 0.1},
		"churn that is under way":    {with(func(l *Inputs) { l.TimeWait = 500 }), 5, 0.1},
		"slow churn":                 {with(func(l *Inputs) { l.Rate = 16; l.setRate(l.Rate, 0.2) }), -1, 0},
		"just too fast":              {with(func(l *Inputs) { l.Rate = 17; l.setRate(l.Rate, 0.2) }), 1000.0 / 17, 1},
		"the peer closes first":      {with(func(l *Inputs) { l.TimeWaitShare = 0; l.setRate(50000, 4) }), -1, 0},
		"connections that stay":      {with(func(l *Inputs) { l.Closed = 0; l.setRate(1, 4) }), 1000, 1},
		"a slow leak":                {with(func(l *Inputs) { l.Closed = 0; l.Rate = 0.1; l.setRate(l.Rate, 0) }), 10000, 10},
		"bound ports":                {with(func(l *Inputs) { l.Bound = 500 }), 5, 0.1},
		"buckets that end meanwhile": {with(func(l *Inputs) { l.TimeWait = 610; l.Expiring = ends }), 390.0 / 90, 0.1},
		"no opens":                   {with(func(l *Inputs) { l.Rate = 0; l.setRate(l.Rate, 0) }), -1, 0},
		"long lifetimes": {with(func(l *Inputs) {
			l.Rate = 2
			l.setRate(l.Rate, 0)
			l.Lifetime = 1000 * time.Second
			l.TimeWaitShare = 0
		}), 693, 10},
		"reuse": {with(func(l *Inputs) { l.BucketLife = time.Second }), -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.load.Forecast()
			switch {
			case !f.Known:
				t.Fatal("nothing is known")
			case c.eta < 0 && !f.Never, c.eta >= 0 && (f.Never || !near(f.ETA, c.eta, c.tolerance)):
				t.Errorf("got %+v, want %.1f s", f, c.eta)
			case !f.Never && (f.Low > f.ETA || f.High >= 0 && f.High < f.ETA):
				t.Errorf("the interval of %+v", f)
			}
		})
	}
}

func TestForecastEnds(t *testing.T) {
	t.Parallel()
	full := Inputs{Occupancy: event.Occupancy{Capacity: 100, TimeWait: 90, Bound: 10}}
	if f := full.Forecast(); !f.Known || f.Never || f.ETA != 0 {
		t.Errorf("full: %+v", f)
	}
	full.Reusable = 5
	if f := full.Forecast(); !f.Never {
		t.Errorf("full, but some can be reused, and no port is allocated: %+v", f)
	}
	if f := (&Inputs{Load: Load{Rate: 5}}).Forecast(); f.Known {
		t.Errorf("without a range: %+v", f)
	}
}

// The kernel's own figure: 28,232 ports, each of which comes back after 61.44 s, and not
// after 60 as the textbooks have it.
func TestSustainable(t *testing.T) {
	t.Parallel()
	l := Inputs{Occupancy: event.Occupancy{Capacity: 28232}, Load: Load{Closed: 1, TimeWaitShare: 1, BucketLife: timeWaitLife}}
	if got := l.Sustainable(); got < 459.4 || got > 459.6 {
		t.Errorf("got %.1f/s", got)
	}
	l.TimeWaitShare, l.Lifetime = 0, 10*time.Second
	if got := l.Sustainable(); got != 2823.2 {
		t.Errorf("got %.1f/s", got)
	}
	if got := (&Inputs{Occupancy: event.Occupancy{Capacity: 5}}).Sustainable(); got != 0 {
		t.Errorf("got %.1f/s, and nothing has ended", got)
	}
}

// Connections of other spaces whose ports a bind() owns take their share of the room, also of a
// space that is full, so that nothing is opened there.
func TestSustainableShare(t *testing.T) {
	t.Parallel()
	kind := Load{Closed: 1, TimeWaitShare: 1, BucketLife: 60 * time.Second}
	other := kind
	other.Rate = 10
	for _, tc := range []struct{ rate, wanted, want float64 }{{10, 10, 5}, {0, 10, 5}, {0, 30, 7.5}, {0, 0, 0}} {
		in := Inputs{Occupancy: event.Occupancy{Capacity: 600}, Load: kind, Wanted: tc.wanted, Elsewhere: &other}
		in.Rate = tc.rate
		if got := in.Sustainable(); math.Abs(got-tc.want) > 0.01 {
			t.Errorf("%v: got %.2f/s", tc, got)
		}
	}
}

// What is known of a load does not depend on whether its events came one by one or as sums: how
// often, how long and with what buckets connections are open.
func TestUsageOfSums(t *testing.T) {
	t.Parallel()
	const life, perSecond, seconds = 300 * time.Millisecond, 1000, 20
	lives := BucketLives{TimeWait: timeWaitLife, Owned: timeWaitLife, FinWait2: timeWaitLife, Least: timeWaitLife}
	begin := event.Time(1000 * time.Second)
	gap := time.Second / perSecond
	one := Usage{First: begin}
	sums := Usage{First: begin}
	for i := range seconds * perSecond {
		opened := begin.Add(time.Duration(i) * gap)
		one.Open(opened, 1)
		if ended := opened.Add(-life); ended >= begin {
			one.Close(&event.Event{Time: opened, Duration: uint64(life), Flags: event.TimeWait * event.Flags(i%2)}, 1)
		}
		if i%perSecond == perSecond-1 {
			closes := uint64(perSecond)
			if i < perSecond {
				closes -= uint64(life / gap)
			}
			first := opened.Add(-time.Second + gap)
			sums.Fold(&event.Event{Time: opened, First: first, Last: opened},
				&event.Fold{Opens: perSecond, ClosesOut: closes, TimeWaitOut: closes / 2, Lifetimes: closes * uint64(life)})
		}
	}
	now := begin.Add(seconds * time.Second)
	loads := map[string]Load{}
	for name, u := range map[string]*Usage{"one by one": &one, "sums": &sums} {
		rate := u.Rate(now)
		l := u.Load(&rate, lives, now)
		if !rate.Known || math.Abs(l.Rate-perSecond) > 20 || l.LeakShare != 0 || !near(l.Lifetime, life.Seconds(), 0.05) || math.Abs(l.TimeWaitShare-0.5) > 0.01 {
			t.Errorf("%s: %+v", name, l)
		}
		loads[name] = l
	}
	if a, b := loads["one by one"], loads["sums"]; b.Dispersion > 2*a.Dispersion || math.Abs(float64(a.Draining-b.Draining)) > 10 {
		t.Errorf("one by one %+v, sums %+v", a, b)
	}
}
