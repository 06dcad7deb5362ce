package whatif

import (
	"math"
	"testing"
	"time"
)

var linux = System{Ports: 28232, TimeWait: time.Minute}

func TestFailsWhenPortsRunOut(t *testing.T) {
	t.Parallel()
	r := Simulate(linux, Load{Rate: 1000, Duration: time.Minute})
	if r.Survives || r.FirstFailure != 28232*time.Millisecond || r.Failures != 60000-28232 || r.Peak != 28232 || r.Capacity != 28232 {
		t.Errorf("%+v", r)
	}
	r = Simulate(linux, Load{Rate: 470.5, Duration: 10 * time.Minute})
	if !r.Survives || r.FirstFailure >= 0 || r.Failures != 0 {
		t.Errorf("%+v", r)
	}
	if r := Simulate(linux, Load{Rate: 471, Duration: 10 * time.Minute}); r.Survives {
		t.Errorf("%+v", r)
	}
}

func TestSustainableIsPortsByTimeWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ports int
		wait  time.Duration
		want  float64
	}{{3976, 240 * time.Second, 16.5667}, {16384, 240 * time.Second, 68.2667}, {28232, time.Minute, 470.533}, {16384, 30 * time.Second, 546.133}} {
		if got := Sustainable(System{Ports: c.ports, TimeWait: c.wait}, Load{}); math.Abs(got-c.want) > 0.001 {
			t.Errorf("%d ports, %s: %f/s, want %f", c.ports, c.wait, got, c.want)
		}
	}
}

func TestSolve(t *testing.T) {
	t.Parallel()
	load := Load{Rate: 1000, Lifetime: 100 * time.Millisecond}
	for _, c := range []struct {
		knob Knob
		want float64
	}{{SolveRange, 60100}, {SolveDestinations, 3}, {SolveSources, 3}} {
		if s := Solve(linux, load, c.knob, 0); !s.Possible || s.Value != c.want || !s.Result.Survives {
			t.Errorf("%s: %+v", c.knob, s)
		}
	}
	if s := Solve(linux, load, SolveRate, 0); !s.Possible || math.Abs(s.Value-28232/60.1) > 0.1 {
		t.Errorf("%+v", s)
	}
	if s := Solve(linux, Load{Rate: 2000}, SolveRange, 0); s.Possible {
		t.Errorf("%+v", s)
	}
	if s := Solve(linux, load, SolvePool, 0); !s.Possible || s.Value < 2 || s.Value > 4 {
		t.Errorf("%+v", s)
	}
}
