package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/whatif"
)

// TestNoRatchet follows each piece of advice: if it says that the load survives, the finding must
// be gone after it, and nothing about the ports be found in its place.
func TestNoRatchet(t *testing.T) {
	t.Parallel()
	followed := 0
	for _, l := range []testLoad{
		narrowChurn("nginx"),
		withLoad(defaultRange, 330, 70*time.Millisecond, 1),
		withLoad(defaultRange, 700, 20*time.Millisecond, 1),
		withLoad(event.PortRange{Low: 50000, High: 50099}, 10, 30*time.Second, 0),
		withLoad(event.PortRange{Low: 32768, High: 40000}, 400, 70*time.Millisecond, 0.5),
	} {
		s := l.seen()
		before := portFindings(Judge(s))
		if s.PortSpaces[0].Exhausted > 0 && len(before) != 1 {
			t.Fatalf("%v: %d findings before", l, len(before))
		}
		for i := range before {
			f := &before[i]
			Effects(s, f)
			for j := range f.Advice {
				if a := &f.Advice[j]; strings.HasPrefix(a.Effect, "survives") && !a.change.closes {
					followed++
					checkFollowed(t, l, f, a)
				}
			}
		}
	}
	if followed < 10 {
		t.Errorf("only %d pieces of advice were followed", followed)
	}
}

func withLoad(ports event.PortRange, wanted float64, life time.Duration, share float64) testLoad {
	l := narrowChurn("nginx")
	l.ports, l.wanted, l.life, l.share = ports, wanted, life, share
	return l
}

// portFindings are those about a lack of ports.
func portFindings(findings []Finding) (list []Finding) {
	for _, f := range findings {
		if f.Severity > Info {
			list = append(list, f)
		}
	}
	return list
}

// checkFollowed judges the load as it is after the advice.
func checkFollowed(t *testing.T, l testLoad, f *Finding, a *Advice) {
	t.Helper()
	system, load, ok := newPlanner(l.seen()).newTrouble(f).simulated()
	if !ok {
		t.Errorf("%s: not simulated", f.ID)
		return
	}
	system, load = a.change.apply(system, load)
	s := l.seenAs(whatif.Simulate(system, load), load)
	if a.change.reuse {
		s.Namespaces[0].Reuse = 1
	}
	if a.change.ports > 0 {
		s.Namespaces[0].Ports = newPlanner(l.seen()).plan(testNetns).ports
		if n := &s.Namespaces[0]; !n.Ports.Known() {
			n.Ports = l.ports
		}
		s.PortSpaces[0].Range = s.Namespaces[0].Ports
	}
	if after := portFindings(Judge(s)); len(after) > 0 {
		t.Errorf("%s: after %q there is %s: %s", f.ID, a.Action, after[0].ID, after[0].Summary)
	}
	if p := newPlanner(s).plan(testNetns); p.ports.Known() {
		t.Errorf("%s: after %q the range is to be %v", f.ID, a.Action, p.ports)
	}
}

// seenAs returns the snapshot of the load after a simulation of it.
func (l testLoad) seenAs(r whatif.Result, load whatif.Load) *snapshot.Snapshot {
	s := l.seen()
	space := &s.PortSpaces[0]
	opens := load.Rate / float64(max(load.Requests, 1)) / float64(r.Spaces)
	space.Capacity, space.Peak, space.Opens = r.Capacity, r.Peak, uint64(opens*120)
	space.Live = min(r.Peak, int(l.wanted*l.life.Seconds()))
	space.TimeWait = r.Peak - space.Live
	space.OpenRate, space.Wanted = opens, opens
	space.Exhausted, space.ExhaustionRate, space.LastExhausted, space.FullSince, space.Victims = r.Failures, 0, time.Time{}, time.Time{}, nil
	if r.Failures > 0 {
		space.LastExhausted = s.Wall
	}
	space.SecondParity, space.SearchP50 = 0, 2*time.Microsecond
	if 2*r.Peak > r.Capacity {
		space.SecondParity, space.SearchP50 = 1, 2*time.Millisecond // as seen with a range that is more than half taken
	}
	space.Forecast = snapshot.Forecast{Known: true, Never: true}
	second := snapshot.Point{Opens: uint32(opens), Closes: uint32(opens)}
	s.Destinations[0].History = snapshot.HistoryOf(slices.Repeat([]snapshot.Point{second}, s.Destinations[0].History.Len())...)
	s.Namespaces[0].Capacity = r.Capacity
	return s
}
