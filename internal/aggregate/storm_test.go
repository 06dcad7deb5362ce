package aggregate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const shown = 20 // rows of a report

// numbered is an address of its own for each number.
func numbered(n int) event.Endpoint {
	e := event.Endpoint{Addr: web.Addr, Port: 1000}
	e.Addr[12], e.Addr[13], e.Addr[14], e.Addr[15] = 127, byte(n>>16), byte(n>>8), byte(n)
	return e
}

// storm plays connections one after another, and counts what is exact.
type storm struct {
	*stream
	n      int
	leaves event.Flags // of each close
	dests  map[event.Endpoint]uint64
	procs  map[event.ProcID]uint64
}

func newStorm() *storm {
	return &storm{stream: newStream(), dests: map[event.Endpoint]uint64{}, procs: map[event.ProcID]uint64{}}
}

// connect opens a connection; keep: and leaves it open.
func (s *storm) connect(proc event.ProcID, to event.Endpoint, keep bool) {
	s.n++
	one := func(kind event.Kind) event.Event {
		return after(time.Duration(s.n)*20*time.Microsecond, with(kind, func(e *event.Event) {
			e.Proc, e.Dst, e.Src.Port = proc, to, uint16(s.n)
		}))
	}
	s.Add([]event.Event{one(event.Open)})
	if !keep {
		closed := one(event.Close)
		closed.Flags = s.leaves
		s.Add([]event.Event{closed})
	}
	s.dests[to]++
	s.procs[proc]++
}

func top[K comparable](exact map[K]uint64, n int) []K {
	keys := make([]K, 0, len(exact))
	for key := range exact {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Compare(exact[b], exact[a]) })
	return keys[:min(n, len(keys))]
}

// requireTop holds the rows to the exact counts: every one that is in the top is listed, with
// what is counted of it (a share may be missing), and nothing is lost altogether.
func (s *storm) requireTop(t *testing.T, n int, share float64) {
	t.Helper()
	snap := s.Snapshot(0)
	requireSums(t, snap)
	if got, want := sumOfDestinations(snap), counted(snap.Totals); got != want {
		t.Errorf("the destinations sum up to\n%+v, the whole is\n%+v", got, want)
	}
	dests, procs := map[event.Endpoint]uint64{}, map[event.ProcID]uint64{}
	for i := range snap.Destinations {
		dests[snap.Destinations[i].Remote] = snap.Destinations[i].Opens
	}
	for i := range snap.Processes {
		procs[snap.Processes[i].Info.ID] = snap.Processes[i].Opens
	}
	requireCounts(t, "destination", top(s.dests, n), dests, s.dests, share)
	requireCounts(t, "process", top(s.procs, n), procs, s.procs, share)
}

func requireCounts[K comparable](t *testing.T, what string, keys []K, got, exact map[K]uint64, share float64) {
	t.Helper()
	for rank, key := range keys {
		if float64(got[key]) < share*float64(exact[key]) || got[key] > exact[key] {
			t.Errorf("%s number %d, %v, has %d opens, want %d", what, rank+1, key, got[key], exact[key])
		}
	}
}

// TestTopRowsOutliveAStorm: what was counted often and then is quiet keeps its row, however
// many others come after it once each.
func TestTopRowsOutliveAStorm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		others int
		keep   func(i int) bool
	}{
		"closed":                {60_000, func(int) bool { return false }},
		"very many":             {120_000, func(int) bool { return false }},
		"left open":             {60_000, func(int) bool { return true }},
		"some of them are open": {60_000, func(i int) bool { return i < 8_100 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStorm()
			for i := range 20 * 1000 { // 20 of 1,000 opens each
				s.connect(event.ProcID{PID: uint32(1 + i%20), Start: 1}, numbered(i%20), false)
			}
			for i := range tc.others {
				s.connect(event.ProcID{PID: uint32(1000 + i), Start: uint64(i)}, numbered(1000+i), tc.keep(i))
			}
			s.requireTop(t, shown, 1)
		})
	}
}

// TestLateComersGetRows: a program that begins when the table is full, of rows with open
// sockets even, has a row soon.
func TestLateComersGetRows(t *testing.T) {
	t.Parallel()
	s := newStorm()
	for i := range 30_000 { // none of these ends
		s.connect(event.ProcID{PID: uint32(1000 + i), Start: uint64(i)}, numbered(1000+i), true)
	}
	for i := range 20_000 {
		s.connect(shop, web, i%2 == 0)
		s.connect(event.ProcID{PID: uint32(100_000 + i), Start: uint64(i)}, numbered(100_000+i), true)
	}
	s.requireTop(t, 1, 0.99)
}

// TestTopRowsOfZipf holds random streams, in which a few are frequent and very many are not, to
// the exact counts. The frequent ones begin at any time.
func TestTopRowsOfZipf(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		for _, keep := range []bool{false, true} {
			t.Run(fmt.Sprint(seed, keep), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(seed, 7))
				zipf := rand.NewZipf(r, 1.1+0.2*float64(seed), 1, 200_000)
				s := newStorm()
				for range 100_000 {
					n := int(zipf.Uint64())
					s.connect(event.ProcID{PID: uint32(n + 1), Start: 1}, numbered(n), keep && r.IntN(20) == 0)
				}
				s.requireTop(t, shown, 0.999)
			})
		}
	}
}

// TestGroupsAreExact: 20,000 short programs of one executable are one group with all their
// opens, destinations and lifetimes, beside others that come and go.
func TestGroupsAreExact(t *testing.T) {
	t.Parallel()
	s := newStream()
	const programs = 20_000
	for i := range programs {
		id := event.ProcID{PID: uint32(i + 1), Start: uint64(i)}
		exe := [...]string{"/usr/bin/curl", "/usr/bin/wget"}[i%2]
		at := time.Duration(i) * time.Millisecond
		one := func(kind event.Kind) event.Event {
			return after(at, with(kind, func(e *event.Event) {
				e.Proc, e.Src.Port, e.Duration = id, uint16(20_000+i), uint64(time.Millisecond)
				e.Flags = event.TimeWait
			}))
		}
		fact := &event.Process{ID: id, Comm: "x", Exe: exe, Unit: "cron.service"}
		s.Add([]event.Event{{Time: begin.Add(at), Kind: event.ProcessKnown, Fact: fact}, one(event.Open), one(event.Close)})
	}
	snap := s.Snapshot(0)
	requireSums(t, snap)
	for by, want := range map[snapshot.Grouping]int{snapshot.ByExecutable: programs / 2, snapshot.ByUnit: programs, snapshot.ByContainer: programs} {
		var waiting int64
		for _, g := range snapshot.GroupProcesses(snap, by) {
			if g.Opens != uint64(want) || g.ClosesOut != uint64(want) || g.Processes() != want {
				t.Errorf("by %s: %q has %d opens of %d processes, want %d", by, g.Name, g.Opens, g.Processes(), want)
			}
			if len(g.Destinations) != 1 || g.Destinations[0].Opens != uint64(want) {
				t.Errorf("by %s: %q has the destinations %+v", by, g.Name, g.Destinations)
			}
			if g.LifetimeP50 == 0 || g.LifetimeP99 != g.LifetimeP50 || g.Destinations[0].LifetimeP99 != g.LifetimeP50 {
				t.Errorf("by %s: lifetimes %s and %s", by, g.LifetimeP50, g.LifetimeP99)
			}
			waiting += g.TimeWaitOut
		}
		if waiting != snap.Totals.TimeWaitOut {
			t.Errorf("by %s: %d in TIME_WAIT, want %d", by, waiting, snap.Totals.TimeWaitOut)
		}
	}
}

// TestUnselectedDestinations: what a filter leaves out does not displace what it selects, and
// counts once its destination is selected.
func TestUnselectedDestinations(t *testing.T) {
	t.Parallel()
	s := of(with(event.Open, nil), notSelected(with(event.Open, func(e *event.Event) { e.Dst = numbered(5) })))
	for i := range 3 * maxDestinations {
		for _, kind := range []event.Kind{event.Open, event.Close, event.Open, event.Close} {
			s.Add([]event.Event{notSelected(with(kind, func(e *event.Event) { e.Dst, e.Proc = numbered(5+i), nginx }))})
		}
	}
	// Another one, and one that other processes use already.
	last := numbered(5 + 3*maxDestinations - 1)
	s.Add([]event.Event{with(event.Open, func(e *event.Event) { e.Dst = last })})
	snap := s.Snapshot(0)
	if len(snap.Destinations) != 2 || snap.OtherDestinations != nil {
		t.Fatalf("%d destinations, others %v", len(snap.Destinations), snap.OtherDestinations)
	}
	if d := snap.Destinations[0]; d.Remote != last || d.Opens != 3 {
		t.Errorf("%v has %d opens, want %v with 3", d.Remote, d.Opens, last)
	}
	if n := len(s.unselected.rows); n > maxDestinations {
		t.Errorf("%d destinations are kept that no filter selects", n)
	}
}

// TestFlowsOutliveAScan: of a quiet space that is full, nearly full, was exhausted or is
// selected, nothing is forgotten for thousands of others.
func TestFlowsOutliveAScan(t *testing.T) {
	t.Parallel()
	quiet := endpoint("10.9.9.9:80")
	for name, tc := range map[string]struct {
		opens   int // of 64 ports
		failed  bool
		filters bool
	}{
		"full": {64, false, false}, "nearly full": {60, false, false}, "exhausted": {1, true, false},
		"in use": {10, false, false}, "selected": {1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := of(event.Event{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: inode, TimeWait: -1, Ports: event.PortRange{Low: 40_000, High: 40_063}}})
			for i := range tc.opens {
				s.Add([]event.Event{with(event.Open, func(e *event.Event) { e.Dst, e.Src.Port = quiet, uint16(40_000+i) })})
			}
			if tc.failed {
				s.Add([]event.Event{with(event.ConnectFail, func(e *event.Event) {
					e.Dst, e.Src.Port, e.Op, e.Errno, e.Reason = quiet, 0, event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
				})})
			}
			for i := range 5 * maxFlows {
				one := func(kind event.Kind) event.Event {
					e := after(time.Duration(i)*time.Microsecond, with(kind, func(e *event.Event) { e.Dst, e.Proc, e.Src.Port = numbered(i), nginx, 40_001 }))
					if tc.filters {
						e = notSelected(e)
					}
					return e
				}
				s.Add([]event.Event{one(event.Open), one(event.Close)})
			}
			snap := s.Snapshot(0)
			at := slices.IndexFunc(snap.PortSpaces, func(p snapshot.PortSpace) bool { return p.Remote == quiet })
			if at < 0 {
				t.Fatal("the space is not listed")
			}
			p := snap.PortSpaces[at]
			if p.Opens != uint64(tc.opens) || p.Live != tc.opens {
				t.Errorf("%d opens, %d live, want %d", p.Opens, p.Live, tc.opens)
			}
			if tc.failed && (p.Exhausted != 1 || len(p.Victims) != 1) {
				t.Errorf("exhausted %d times, victims %v", p.Exhausted, p.Victims)
			}
			if n := len(s.flows.byID); n > maxFlows {
				t.Errorf("%d flows", n)
			}
		})
	}
}
