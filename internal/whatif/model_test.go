package whatif

import (
	"math"
	"testing"
	"time"
)

// Where all connections get their port in the same way, counting ports and choosing them give
// the same result.
func TestCountedPortsAreExactPorts(t *testing.T) {
	t.Parallel()
	for _, load := range []Load{
		{Rate: 30, Lifetime: 2 * time.Second, Exponential: true, Destinations: 3},
		{Rate: 100, Lifetime: time.Second, Exponential: true, Poisson: true, ServerCloses: 0.5},
		{Rate: 12, Lifetime: time.Second, EarlyBind: 1, Destinations: 2},
	} {
		system := System{Ports: 700, TimeWait: time.Minute, Sources: 2, Parity: true}
		load.Duration = 5 * time.Minute
		counted := Simulate(system, load)
		d := newDriver(system.normal(), load.normal())
		exact := newPorts(&system, true)
		for range system.Sources {
			local := exact.addLocal()
			for range max(load.Destinations, 1) {
				exact.addSpace(local)
			}
		}
		d.engine.ports = exact
		d.run()
		if got := d.result(); got != counted || counted.Opens == 0 {
			t.Errorf("%+v:\n%+v, counted\n%+v", load, got, counted)
		}
	}
}

// Timers of 60 s expire on the steps of the wheel: 256 ports gave 256 opens every 61.5 s.
func TestTimerWheel(t *testing.T) {
	t.Parallel()
	system := System{Ports: 256, TimeWait: time.Minute, TimerStep: 2048 * time.Millisecond, TimerPhase: 300 * time.Millisecond}
	r := Simulate(system, Load{Rate: 100, Duration: 61440 * 20 * time.Millisecond})
	if got := r.Opens - r.Failures; got != 256*20 {
		t.Errorf("%d connections, want 256 for each 61.44 s", got)
	}
	if want := 256 / 61.44; math.Abs(r.Sustainable-want) > 0.001 {
		t.Errorf("sustainable: %f", r.Sustainable)
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	system := System{Ports: 100, TimeWait: time.Minute, Reuse: true, ReuseDelay: time.Second}
	if r := Simulate(system, Load{Rate: 99}); !r.Survives {
		t.Errorf("%+v", r)
	}
	if r := Simulate(system, Load{Rate: 101}); r.Survives || r.FirstFailure > time.Minute {
		t.Errorf("%+v", r)
	}
	if r := Simulate(system, Load{Rate: 10, EarlyBind: 1}); r.Survives || r.FirstFailure != 10*time.Second {
		t.Errorf("the port of a bind() is reused: %+v", r)
	}
}

// A bind() takes its port from every destination, a connect() from one.
func TestEarlyBind(t *testing.T) {
	t.Parallel()
	system := System{Ports: 1000, TimeWait: time.Minute, Parity: true}
	load := Load{Rate: 100, Lifetime: time.Hour, Destinations: 4, Duration: time.Minute}
	if r := Simulate(system, load); r.Failures != 2000 || r.FirstFailure != 40*time.Second {
		t.Errorf("connect(): %+v", r)
	}
	load.EarlyBind = 1
	if r := Simulate(system, load); r.Failures != 5000 || r.FirstFailure != 10*time.Second {
		t.Errorf("bind(): %+v", r)
	}
	// Half of them bind: until those need every port that the connects have left.
	load.EarlyBind = 0.5
	if r := Simulate(system, load); r.Failures <= 2000 || r.Failures >= 5000 || r.FirstFailure <= 10*time.Second || r.FirstFailure >= 40*time.Second {
		t.Errorf("some bind(): %+v", r)
	}
}

func TestWindowsPool(t *testing.T) {
	t.Parallel()
	system := System{Ports: 1000, TimeWait: 4 * time.Minute, Scope: PerLocal}
	load := Load{Rate: 100, Destinations: 10, Duration: 2 * time.Minute}
	if r := Simulate(system, load); r.FirstFailure != 10*time.Second {
		t.Errorf("%+v", r)
	}
	system.PeerReuse = true
	if r := Simulate(system, load); r.FirstFailure != 100*time.Second {
		t.Errorf("Server 2003 SP1: %+v", r)
	}
	system.PeerReuse, system.Sources = false, 2
	if r := Simulate(system, load); r.FirstFailure != 20*time.Second {
		t.Errorf("two addresses: %+v", r)
	}
	system.Scope = PerHost
	if r := Simulate(system, load); r.FirstFailure != 10*time.Second {
		t.Errorf("one pool for the host: %+v", r)
	}
}

// 1,000 TCBs are not 1,000 usable connections under churn.
func TestTCBs(t *testing.T) {
	t.Parallel()
	system := System{Ports: 60000, TimeWait: 240 * time.Second, Scope: PerLocal, MaxTCBs: 1000}
	r := Simulate(system, Load{Rate: 10})
	if r.FirstFailure != 100*time.Second || r.Cause != TooManyTCBs || math.Abs(r.Sustainable-1000.0/240) > 0.01 {
		t.Errorf("%+v", r)
	}
	// Of more than 500 in TIME_WAIT those older than 60 s are free.
	system.MaxFreeTimeWait = 500
	if r := Simulate(system, Load{Rate: 16}); !r.Survives || r.MostBuckets > 961 {
		t.Errorf("%+v", r)
	}
	if r := Simulate(system, Load{Rate: 17}); r.Survives {
		t.Errorf("%+v", r)
	}
	system = System{Ports: 60000, TimeWait: 240 * time.Second, Scope: PerLocal, MaxConnections: 50}
	if r := Simulate(system, Load{Rate: 10, Lifetime: 6 * time.Second}); r.FirstFailure != 5*time.Second || r.Cause != TooManyConnect {
		t.Errorf("%+v", r)
	}
}

// tcp_max_tw_buckets: the rest leaves no TIME_WAIT.
func TestOverflow(t *testing.T) {
	t.Parallel()
	r := Simulate(System{Ports: 1000, TimeWait: time.Minute, MaxTimeWait: 600}, Load{Rate: 100, Lifetime: 3 * time.Second})
	if !r.Survives || r.Overflows == 0 || r.MostBuckets != 600 || r.Peak != 900 {
		t.Errorf("%+v", r)
	}
}

func TestHalfOpenLimit(t *testing.T) {
	t.Parallel()
	system := System{Ports: 1000, TimeWait: time.Second, Scope: PerLocal, HalfOpen: 10}
	load := Load{Rate: 50, Handshake: 100 * time.Millisecond, Unanswered: 0.1, GiveUp: 21 * time.Second}
	r := Simulate(system, load)
	if r.MostWaiting < 10000 || !r.Survives || r.Sustainable > 10/2.1 {
		t.Errorf("%+v", r)
	}
	system.HalfOpen = 0
	if r := Simulate(system, load); r.MostWaiting != 0 {
		t.Errorf("%+v", r)
	}
}

// The connection of a dead peer holds its port for KeepAliveTime.
func TestDeadPeers(t *testing.T) {
	t.Parallel()
	system := System{Ports: 1000, TimeWait: time.Second, KeepAlive: 2 * time.Hour}
	load := Load{Rate: 1, Dead: 1, Duration: 4 * time.Hour}
	if r := Simulate(system, load); r.FirstFailure != 1000*time.Second || math.Abs(r.Sustainable-1000.0/7200) > 1e-6 {
		t.Errorf("%+v", r)
	}
	system.KeepAlive = 900 * time.Second
	if r := Simulate(system, load); !r.Survives || r.Peak != 900 {
		t.Errorf("%+v", r)
	}
	system.KeepAlive = 0
	if r := Simulate(system, load); r.Survives || r.Sustainable != 0 {
		t.Errorf("a leak: %+v", r)
	}
}

func TestPool(t *testing.T) {
	t.Parallel()
	load := Load{Rate: 1000, Lifetime: 20 * time.Millisecond, Duration: 5 * time.Minute}
	if r := Simulate(linux, load); r.Survives {
		t.Errorf("%+v", r)
	}
	load.Requests = 100
	r := Simulate(linux, load)
	if !r.Survives || r.Requests != 300000 || r.Opens < 3000 || r.Opens > 3100 || r.Peak > 700 {
		t.Errorf("%+v", r)
	}
	load.Concurrency = 10 // half of what it takes
	if r := Simulate(linux, load); r.MostWaiting < 140000 || r.Peak > 400 {
		t.Errorf("%+v", r)
	}
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	r := Simulate(linux, Load{Concurrency: 500, Count: 100000, Lifetime: 50 * time.Millisecond})
	if r.Opens != 100000 || r.Peak != 28232 || r.FirstFailure.Round(time.Millisecond) != 2800*time.Millisecond {
		t.Errorf("%+v", r)
	}
	r = Simulate(linux, Load{Count: 50000, Lifetime: 2 * time.Millisecond})
	if r.Failures != 0 && r.FirstFailure < 56*time.Second || r.Opens != 50000 {
		t.Errorf("%+v", r)
	}
}

// The same seed gives the same, another one something similar.
func TestSeed(t *testing.T) {
	t.Parallel()
	load := Load{Rate: 480, Lifetime: time.Second, Exponential: true, Poisson: true}
	a, b := Simulate(linux, load), Simulate(linux, load)
	load.Seed = 1
	c := Simulate(linux, load)
	if a != b || a == c || math.Abs(float64(a.Failures)-float64(c.Failures)) > 0.2*float64(a.Failures) {
		t.Errorf("%+v\n%+v\n%+v", a, b, c)
	}
}

// What Sustainable says in the mean, an even load survives.
func TestSustainableIsSustained(t *testing.T) {
	t.Parallel()
	second := time.Second
	for _, c := range []struct {
		system System
		load   Load
	}{
		{System{Ports: 1000, TimeWait: time.Minute}, Load{Lifetime: 3 * second, Destinations: 3, ServerCloses: 0.4}},
		{System{Ports: 1000, TimeWait: time.Minute, Reuse: true, ReuseDelay: second}, Load{Lifetime: second}},
		{System{Ports: 1000, TimeWait: 4 * time.Minute, Scope: PerLocal, Sources: 2}, Load{Lifetime: 10 * second, Destinations: 5}},
		{System{Ports: 1000, TimeWait: 4 * time.Minute, Scope: PerLocal, PeerReuse: true}, Load{Lifetime: 10 * second, Destinations: 5}},
		{System{Ports: 1000, TimeWait: time.Minute, Scope: PerHost, Sources: 4}, Load{Destinations: 5}},
		{System{Ports: 1000, TimeWait: time.Minute, Sources: 2}, Load{Lifetime: second, EarlyBind: 1, Destinations: 4}},
		{System{Ports: 1000, TimeWait: time.Minute, Parity: true}, Load{Lifetime: second, EarlyBind: 0.1, Destinations: 4}},
		{System{Ports: 1000, TimeWait: time.Minute, Parity: true}, Load{Lifetime: second, EarlyBind: 0.5, Destinations: 3}},
		{System{Ports: 5000, TimeWait: 4 * time.Minute, Scope: PerLocal, MaxTCBs: 800, MaxFreeTimeWait: 300}, Load{Lifetime: second}},
		{System{Ports: 1000, TimeWait: time.Minute, MaxTimeWait: 600}, Load{Lifetime: 5 * second}},
	} {
		c.load.Duration = 20 * time.Minute
		s := Solve(c.system, c.load, SolveRate, 0)
		want := Sustainable(c.system, c.load)
		least, most := 0.95, 1.05
		if early := c.load.EarlyBind; early > 0 && early < 1 {
			least, most = 0.8, 1.2 // which connections bind and at which ports is random
		}
		if !s.Possible || !s.Result.Survives || s.Value < least*want || s.Value > most*want {
			t.Errorf("%+v %+v: at most %.2f/s survive, sustainable is %.2f/s", c.system, c.load, s.Value, want)
		}
	}
}
