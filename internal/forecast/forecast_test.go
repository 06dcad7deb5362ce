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
