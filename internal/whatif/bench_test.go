package whatif

import (
	"testing"
	"time"
)

// Ten million connections: the goal is less than 10 s on one core, without an allocation for
// each.
func BenchmarkTenMillion(b *testing.B) {
	const connections = 10_000_000
	linux := System{Ports: 28232, TimeWait: time.Minute, Parity: true}
	for _, c := range []struct {
		name   string
		system System
		load   Load
	}{
		{"closed at once", linux, Load{Rate: 465}},
		{"random lifetimes", linux, Load{Rate: 465, Lifetime: 500 * time.Millisecond, Exponential: true, Poisson: true}},
		{"full", linux, Load{Rate: 5000, Lifetime: time.Second, Exponential: true}},
		{"a hundred destinations", linux, Load{Rate: 40000, Lifetime: 2 * time.Second, Exponential: true, Destinations: 100}},
		{"pool", linux, Load{Rate: 20000, Lifetime: 20 * time.Millisecond, Exponential: true, Requests: 100, Destinations: 10}},
		{"one in ten binds early", linux, Load{Rate: 400, Lifetime: time.Second, Exponential: true, EarlyBind: 0.1, Destinations: 4}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			c.load.Count = connections
			for b.Loop() {
				if r := Simulate(c.system, c.load); r.Requests != connections {
					b.Fatalf("%+v", r)
				}
			}
			b.ReportMetric(float64(connections)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mconns/s")
		})
	}
}
