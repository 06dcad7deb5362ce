package aggregate

import (
	"math"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// numberedCurl is one of a shell loop.
func numberedCurl(n int) *event.Process {
	return &event.Process{ID: event.ProcID{PID: uint32(10_000 + n), Start: uint64(n + 1)}, Comm: "curl", Exe: "/usr/bin/curl"}
}

// A loop of curls is one program: of its holders, victims and failures, with the sums and the
// rate of all, although most of its processes have no row.
func TestLoopIsOneProgram(t *testing.T) {
	t.Parallel()
	const opened, failed = 1_170, 10_000
	s := newStream()
	s.Add([]event.Event{ranged(40_000, 41_199)})
	start := func(at time.Duration, p *event.Process) {
		s.Add([]event.Event{after(at, event.Event{Time: begin, Kind: event.ProcessKnown, Fact: p})})
	}
	for i := range opened {
		at, p := time.Duration(i)*time.Millisecond, numberedCurl(i)
		start(at, p)
		for _, kind := range []event.Kind{event.Open, event.Close} {
			s.Add([]event.Event{after(at, with(kind, func(e *event.Event) {
				e.Proc, e.Src.Port, e.Cookie = p.ID, uint16(40_000+i), uint64(i+1)
				if kind == event.Close {
					e.Flags, e.ClosedBy = event.TimeWait, event.Local
				}
			}))})
		}
	}
	other := &event.Process{ID: shop, Comm: "python3", Exe: "/usr/bin/python3.11", Script: "/srv/shop.py"}
	start(2*time.Second, other)
	for i := range 30 {
		s.Add([]event.Event{after(2*time.Second, with(event.Open, func(e *event.Event) {
			e.Src.Port, e.Cookie = uint16(41_170+i), uint64(5_000+i)
		}))})
	}
	for i := range failed {
		at, p := 3*time.Second+time.Duration(i)*time.Millisecond, numberedCurl(opened+i)
		start(at, p)
		s.Add([]event.Event{after(at, with(event.ConnectFail, func(e *event.Event) {
			e.Proc, e.Src.Port, e.Op, e.Errno, e.Reason = p.ID, 0, event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
			if i%2 == 0 { // where it is not known from which address, it is the same program
				e.Src.Addr = event.Addr{}
			}
		}))})
	}
	snap := s.Snapshot(begin.Add(3*time.Second + failed*time.Millisecond))
	space := &snap.PortSpaces[0]
	holders, rest := space.HoldersByProgram()
	if len(holders) != 2 || rest.Ports() != 0 {
		t.Fatalf("holders %+v and %d ports", holders, rest.Ports())
	}
	loop, script := &holders[0], &holders[1]
	if loop.TimeWait != opened || loop.Program.Name != "curl" || loop.Program.Processes != opened || loop.Program.About {
		t.Errorf("the loop is %s with %d ports of %d processes", loop.Program.Name, loop.TimeWait, loop.Program.Processes)
	}
	if loop.Program.First != numberedCurl(0).ID || loop.Proc.ID != numberedCurl(opened-1).ID {
		t.Errorf("from %v to %v", loop.Program.First, loop.Proc.ID)
	}
	if script.Live != 30 || script.Program.Name != "shop.py" || script.Program.Processes != 1 || script.Proc.ID != shop {
		t.Errorf("the script is %+v", script)
	}
	if len(snap.Failures) >= failed {
		t.Errorf("there are %d rows of failures: nothing is tested", len(snap.Failures))
	}
	victims, failures := space.VictimsByProgram(), snapshot.FailuresByProgram(snap)
	if len(victims) != 1 || len(failures) != 1 {
		t.Fatalf("victims %+v, failures %+v", victims, failures)
	}
	for what, got := range map[string]snapshot.ProgramFailure{
		"victim":  {Failure: snapshot.Failure{Count: victims[0].Failures, Rate: victims[0].Rate}, Program: victims[0].Program},
		"failure": failures[0],
	} {
		processes := float64(got.Program.Processes)
		if got.Count != failed || math.Abs(got.Rate-1000) > 1 || math.Abs(processes-failed) > failed/33 || !got.Program.About {
			t.Errorf("%s: %d times, %.1f/s, %v processes", what, got.Count, got.Rate, processes)
		}
		if got.Program.Name != "curl" || got.Program.First != numberedCurl(opened).ID || got.Program.Proc.ID != numberedCurl(opened+failed-1).ID {
			t.Errorf("%s: %s from %v to %v", what, got.Program.Name, got.Program.First, got.Program.Proc.ID)
		}
	}
}

// What has no room among the failures by program is what has failed least.
func TestProgramFailuresBounded(t *testing.T) {
	t.Parallel()
	s := newStream()
	for i := range 2 * maxProgramFailures {
		s.Add([]event.Event{with(event.ConnectFail, func(e *event.Event) {
			e.Dst, e.Op, e.Errno, e.Reason, e.Count = numbered(i), event.OpConnect, event.ECONNREFUSED, event.Refused, 1
			if i == 0 {
				e.Count = 100
			}
		})})
	}
	got := s.Snapshot(0).ProgramFailures
	if len(got) > maxProgramFailures || got[0].Count != 100 || got[0].Target != numbered(0) {
		t.Errorf("%d rows, the first is %+v", len(got), got[0].Failure)
	}
}

// A space whose ports are held by a process each.
func BenchmarkHoldersOfLoop(b *testing.B) {
	const processes = 15_000 // as many as the world keeps at least
	s := newStream()
	s.Add([]event.Event{ranged(32_768, 60_999)})
	for i := range processes {
		p := numberedCurl(i)
		s.Add([]event.Event{
			{Time: begin, Kind: event.ProcessKnown, Fact: p},
			with(event.Open, func(e *event.Event) { e.Proc, e.Src.Port, e.Cookie = p.ID, uint16(32_768+i), uint64(i+1) }),
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Snapshot(0)
	}
}
