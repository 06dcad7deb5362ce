package doctor

import (
	"fmt"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestRange has loads of any size on ranges of any kind: what is advised must be what the kernel
// takes, and no harm to listeners and NodePorts.
func TestRange(t *testing.T) {
	t.Parallel()
	ranges := []event.PortRange{{Low: 40000, High: 40999}, {Low: 1024, High: 2000}, defaultRange, {Low: 10000, High: 30001}, {Low: 20000, High: 65535}}
	for _, present := range ranges {
		for _, wanted := range []float64{5, 100, 220, 300, 400, 600, 5000} {
			for _, unprivileged := range []uint64{0, 1024, 20001} {
				l := narrowChurn("nginx")
				l.ports, l.wanted, l.reserved = present, wanted, "50000-50009"
				s := l.seen()
				n := &s.Namespaces[0]
				n.UnprivilegedPort = event.CounterOf(unprivileged)
				n.ListenPorts = append(n.ListenPorts, event.PortRange{Low: 15432, High: 15433}, event.OnePort(33060), event.OnePort(62000))
				checkRange(t, fmt.Sprintf("%v at %g/s, unprivileged from %d", present, wanted, unprivileged), newPlanner(s).plan(testNetns))
			}
		}
	}
}

func checkRange(t *testing.T, name string, p *plan) {
	t.Helper()
	r := p.ports
	if !r.Known() {
		if p.suffices {
			t.Errorf("%s: no range, and it suffices", name)
		}
		return
	}
	start := max(p.UnprivilegedPort.Value(), 1024)
	switch {
	case uint64(r.Low) < start, r.High <= r.Low:
		t.Errorf("%s: the kernel refuses %v", name, r)
	case (r.Low^r.High)&1 == 0:
		t.Errorf("%s: %v has ends of one parity", name, r)
	case capacity(r, p.reserve) <= capacity(p.Ports, event.ParsePortSet(p.Reserved)):
		t.Errorf("%s: %v is no more than %v", name, r, p.Ports)
	case r.Low <= nodePorts.High && !p.reserve.HoldsAll(event.PortRange{Low: max(r.Low, nodePorts.Low), High: nodePorts.High}):
		t.Errorf("%s: %v covers NodePorts, %s is reserved", name, r, p.reserve)
	case !p.reserve.HoldsAll(event.PortRange{Low: 50000, High: 50009}):
		t.Errorf("%s: what is reserved already is missing in %s", name, p.reserve)
	case p.suffices && !p.fits(r, p.reserve, fairShare):
		t.Errorf("%s: %v does not suffice", name, r)
	}
	for _, listen := range p.ListenPorts {
		for port := listen.Low; port <= listen.High; port++ {
			if r.Holds(port) && !p.Ports.Holds(port) && !p.reserve.Holds(port) {
				t.Errorf("%s: %v covers the listener at %d", name, r, port)
			}
		}
	}
}

func TestRangeForLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ports  event.PortRange
		wanted float64
		want   event.PortRange
	}{
		{event.PortRange{Low: 40000, High: 40999}, 200, defaultRange},
		{event.PortRange{Low: 40000, High: 40999}, 5, event.PortRange{}},              // as it is
		{defaultRange, 300, event.PortRange{}},                                        // 65 % of it: enough
		{defaultRange, 330, event.PortRange{Low: 22000, High: 65535}},                 // further down, without NodePorts
		{defaultRange, 5000, event.PortRange{}},                                       // none is enough
		{event.PortRange{Low: 40000, High: 40999}, 5000, defaultRange},                // not enough either, but far more
		{event.PortRange{Low: lowestPort, High: highestPort}, 200, event.PortRange{}}, // as it is
		{event.PortRange{Low: 61000, High: 61001}, 0.02, defaultRange},                // two ports
	} {
		l := narrowChurn("nginx")
		l.ports, l.wanted = c.ports, c.wanted
		if got := newPlanner(l.seen()).plan(testNetns).ports; got != c.want {
			t.Errorf("%v at %g/s: %v, want %v", c.ports, c.wanted, got, c.want)
		}
	}
}

func TestPoolSize(t *testing.T) {
	t.Parallel()
	for open, want := range map[float64]int{0: 4, 1: 4, 14: 28, 100: 144, 1000: 1152} {
		if got := poolSize(open); got != want {
			t.Errorf("%g open at a time: %d, want %d", open, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	l := narrowChurn("nginx")
	s := l.seen()
	u := newPlanner(s).plan(testNetns).usageOf(s, &s.PortSpaces[0])
	if life := u.life.Round(10 * time.Millisecond); life != 70*time.Millisecond || u.share != 1 {
		t.Errorf("lifetime %v, share %g", u.life, u.share)
	}
	if n := u.ports(); n < 12_200 || n > 12_500 { // 200/s, 61.5 s each
		t.Errorf("%d ports, want 12,300", n)
	}
	s.Namespaces[0].Reuse = 1
	if u := newPlanner(s).plan(testNetns).usageOf(s, &s.PortSpaces[0]); u.wait != reuseDelay {
		t.Errorf("with tcp_tw_reuse a bucket takes its port for %v", u.wait)
	}
	s.PortSpaces[0].Unstamped = s.PortSpaces[0].TimeWait
	if u := newPlanner(s).plan(testNetns).usageOf(s, &s.PortSpaces[0]); u.wait < time.Minute {
		t.Errorf("without timestamps tcp_tw_reuse does nothing, and it is %v", u.wait)
	}
	points := make([]snapshot.Point, 10)
	points[3].Opens, points[4].Failures, points[9].Opens = 100, 50, 20
	if n := burstOf(points, 2); n != 150 {
		t.Errorf("burst of %g, want 150", n)
	}
}
