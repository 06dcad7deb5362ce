package aggregate

import (
	"fmt"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var anchored = event.Event{
	Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1e18, Boot: int64(begin)},
}

// difference is what was counted between two moments: counters subtracted, gauges as
// they were at the end.
func difference(before, end snapshot.Totals) snapshot.Totals {
	end = counted(end)
	end.LiveBefore = before.Live()
	end.Opens -= before.Opens
	end.ClosesOut -= before.ClosesOut
	end.ClosesIn -= before.ClosesIn
	end.ClosesUnknown -= before.ClosesUnknown
	end.ConnectFailures -= before.ConnectFailures
	end.FailedOpens -= before.FailedOpens
	end.Binds -= before.Binds
	end.BindFailures -= before.BindFailures
	end.TimeWaitEntered -= before.TimeWaitEntered
	end.Unlisted -= before.Unlisted
	return end
}

// rowsByName are all rows of a snapshot.
func rowsByName(snap *snapshot.Snapshot) map[string]snapshot.Totals {
	rows := map[string]snapshot.Totals{"total": snap.Totals}
	for _, p := range snap.Processes {
		rows[fmt.Sprint("process ", p.Info.ID)] = p.Totals
		for _, pair := range p.Destinations {
			rows[fmt.Sprint("pair ", pair.Proc, pair.Netns, pair.Remote)] = pair.Totals
		}
	}
	for _, d := range snap.Destinations {
		rows[fmt.Sprint("destination ", d.Netns, d.Remote)] = d.Totals
	}
	return rows
}

// TestRestartSplits: what is counted before and after a restart adds up to what is
// counted without one, in every row, and as many connections are open.
func TestRestartSplits(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		stream := randomStream(seed, 4000)
		for _, cut := range []int{1, 2000, 6000, len(stream)} {
			s, whole := of(stream[:cut]...), of(stream...)
			before := rowsByName(s.Snapshot(0))
			s.Restart(s.now)
			s.Add(stream[cut:])
			snap, full := s.Snapshot(0), whole.Snapshot(0)
			requireConsistent(t, snap)
			got := rowsByName(snap)
			for name, end := range rowsByName(full) {
				if want := difference(before[name], end); counted(got[name]) != want {
					t.Errorf("seed %d, cut at %d, %s: got\n%+v, want\n%+v", seed, cut, name, counted(got[name]), want)
				}
			}
		}
	}
}

// TestRestartAfterEviction is the same of tables that overflow.
func TestRestartAfterEviction(t *testing.T) {
	t.Parallel()
	stream := randomStream(7, 20_000)
	cut := len(stream) - 5000
	s := of(stream[:cut]...)
	before := s.Snapshot(0).Totals
	s.Restart(s.now)
	requireConsistent(t, s.Snapshot(0))
	s.Add(stream[cut:])
	snap := s.Snapshot(0)
	requireConsistent(t, snap)
	if got, want := counted(snap.Totals), difference(before, of(stream...).Snapshot(0).Totals); got != want {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	snap = s.Snapshot(s.now.Add(2 * time.Minute))
	requireConsistent(t, snap)
	if snap.Totals.TimeWait() != 0 || snap.Totals.CloseWait != 0 || snap.Totals.SynSent != 0 || len(s.buckets.held) != 0 {
		t.Errorf("left over: %+v, held %v", snap.Totals, s.buckets.held)
	}
}

// TestRestartBalances: what was open and what was opened has ended or is open.
func TestRestartBalances(t *testing.T) {
	t.Parallel()
	s := of(with(event.Open, nil), with(event.Open, nil), with(event.Open, nil), with(event.Close, nil))
	s.Restart(begin.Add(time.Second))
	s.Add([]event.Event{
		after(2*time.Second, with(event.Open, nil)),
		after(2*time.Second, with(event.Open, nil)),
		after(3*time.Second, with(event.Close, nil)), // of before
		after(3*time.Second, with(event.ConnectFail, flagged(event.HadPort))),
	})
	want := snapshot.Totals{LiveBefore: 2, Opens: 2, ClosesOut: 1, ConnectFailures: 1, FailedOpens: 1}
	for name, got := range rowsByName(s.Snapshot(begin.Add(4 * time.Second))) {
		if counted(got) != want || got.Live() != 2 {
			t.Errorf("%s: got %+v, %d live, want %+v", name, got, got.Live(), want)
		}
	}
}

// TestRestartForgets checks one thing that is left at a time, and nothing left.
func TestRestartForgets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		events []event.Event
		rows   int
		want   snapshot.Totals // of each row
	}{
		{"nothing", []event.Event{with(event.Open, nil), with(event.Close, nil), with(event.ConnectFail, nil)}, 1, snapshot.Totals{}},
		{"open", []event.Event{with(event.Open, nil)}, 4, snapshot.Totals{LiveBefore: 1}},
		{"CLOSE_WAIT", []event.Event{with(event.Open, nil), with(event.EnterCloseWait, nil)}, 4, snapshot.Totals{LiveBefore: 1, CloseWait: 1}},
		{"CLOSE_WAIT, accepted", []event.Event{inbound(event.EnterCloseWait, func(e *event.Event) { e.Proc = nginx })}, 2, snapshot.Totals{CloseWait: 1}},
		{"SYN_SENT", []event.Event{fold(event.Fold{EnterSynSent: 1}, nil)}, 4, snapshot.Totals{SynSent: 1}},
		{"TIME_WAIT", []event.Event{with(event.Open, nil), with(event.Close, flagged(event.TimeWait))}, 4, snapshot.Totals{TimeWaitOut: 1}},
		{"TIME_WAIT, accepted", []event.Event{inbound(event.Close, flagged(event.TimeWait))}, 2, snapshot.Totals{TimeWaitIn: 1}},
		{"the sum that holds the open is to come", []event.Event{with(event.Close, nil)}, 4, snapshot.Totals{LiveBefore: -1}},
	} {
		s := of(anchored)
		s.Add(tc.events)
		s.Restart(begin.Add(time.Second))
		snap := s.Snapshot(begin.Add(time.Second))
		rows := rowsByName(snap)
		for name, got := range rows {
			if len(rows) != tc.rows || got != tc.want {
				t.Errorf("%s: %s of %d has %+v", tc.name, name, len(rows), got)
			}
		}
		for _, p := range snap.Processes {
			if !p.First.IsZero() || !p.Last.IsZero() || p.History.Len() != 0 {
				t.Errorf("%s: from %s to %s, %v", tc.name, p.First, p.Last, p.History)
			}
		}
		if len(snap.Failures) != 0 || snap.Elapsed != 0 {
			t.Errorf("%s: %d failures in %s", tc.name, len(snap.Failures), snap.Elapsed)
		}
	}
}

// TestRestartKeepsPairs: the pairs of a process hold what cancels out in its own row: a
// connection of the table, and an end whose open is still to come in a sum.
func TestRestartKeepsPairs(t *testing.T) {
	t.Parallel()
	toMail := func(e *event.Event) { e.Dst = mail }
	s := of(with(event.Open, nil), with(event.Close, toMail))
	s.Restart(begin)
	if p := processOf(t, s.Snapshot(begin), shop); p.Live() != 0 || len(p.Destinations) != 2 {
		t.Errorf("%d open towards %d destinations", p.Live(), len(p.Destinations))
	}
	s.Add([]event.Event{with(event.Close, nil), fold(event.Fold{Opens: 1}, toMail)})
	snap := s.Snapshot(begin)
	requireConsistent(t, snap)
	for name, got := range rowsByName(snap) {
		if got.Live() != 0 {
			t.Errorf("%s has %d open", name, got.Live())
		}
	}
}

// TestRestartFullTables: the table had no room a moment before, and the row of those
// without one has gone.
func TestRestartFullTables(t *testing.T) {
	t.Parallel()
	s := newStream()
	one := func(kind event.Kind, i int) {
		s.Add([]event.Event{with(kind, func(e *event.Event) { e.Proc.PID, e.Src.Port = uint32(i), uint16(i) })})
	}
	for i := range maxProcesses + 1 {
		one(event.Open, i+1)
	}
	one(event.Close, maxProcesses+1)
	s.Restart(begin)
	if snap := s.Snapshot(begin); snap.OtherProcesses != nil || len(snap.Processes) != maxProcesses {
		t.Errorf("%d processes, others %+v", len(snap.Processes), snap.OtherProcesses)
	}
	one(event.Open, maxProcesses+2)
	snap := s.Snapshot(begin)
	requireSums(t, snap)
	if snap.OtherProcesses == nil || snap.OtherProcesses.Live() != 1 {
		t.Errorf("the others are %+v", snap.OtherProcesses)
	}
}

// TestRestartKeepsNames: the row of a program that is quiet knew its name alone.
func TestRestartKeepsNames(t *testing.T) {
	t.Parallel()
	named := func(id event.ProcID, comm string) event.Event {
		return event.Event{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: comm}}
	}
	s := of(named(shop, "shop-api"), with(event.Open, nil), with(event.Close, nil))
	for i := range 100_000 {
		s.Add([]event.Event{named(event.ProcID{PID: uint32(i + 1000)}, "curl")})
	}
	s.Restart(begin)
	s.Add([]event.Event{with(event.Open, nil)})
	if got := processOf(t, s.Snapshot(begin), shop).Info.Comm; got != "shop-api" {
		t.Errorf("the process is called %q", got)
	}
}

func TestRestartHealth(t *testing.T) {
	t.Parallel()
	health := func(h event.Health) event.Event {
		return event.Event{Time: begin, Kind: event.HealthKnown, Fact: &h}
	}
	stranger := with(event.Open, func(e *event.Event) { e.Proc = event.ProcID{} })
	s := of(
		health(event.Health{Events: 1}), stranger, stranger,
		health(event.Health{Events: 10, LostDetails: 20, Filtered: 30, Lost: 40, Missed: 50, CPU: 60, Memory: 70, Maps: 80, ProgramTime: 90, ProgramRuns: 100}),
		event.Event{Time: begin, Kind: event.Notice, Fact: event.Text("before")},
	)
	s.Restart(begin)
	check := func(what string, want event.Health) {
		t.Helper()
		if snap := s.Snapshot(begin); snap.Health != want || len(snap.Notices) != 0 {
			t.Errorf("%s: got %+v, want %+v, notices %v", what, snap.Health, want, snap.Notices)
		}
	}
	check("nothing since", event.Health{Memory: 70, Maps: 80})
	s.Add([]event.Event{stranger, health(event.Health{Events: 11, LostDetails: 22, Filtered: 33, Lost: 44, Missed: 55, CPU: 66, Memory: 7, Maps: 8, ProgramTime: 99, ProgramRuns: 111})})
	check("since", event.Health{Events: 1, LostDetails: 2, Filtered: 3, Lost: 4, Missed: 5, CPU: 6, Memory: 7, Maps: 8, ProgramTime: 9, ProgramRuns: 11, Unattributed: 1})
	s.Add([]event.Event{health(event.Health{Events: 5, Memory: 8})})
	check("backwards", event.Health{Memory: 8, Unattributed: 1})
}

func TestGaps(t *testing.T) {
	t.Parallel()
	missing := func(begins, ends time.Duration) event.Event {
		g := event.Gap{Begin: begin.Add(begins), End: begin.Add(ends)}
		if ends == 0 {
			g.End, g.Truncated = 0, true
		}
		return event.Event{Time: begin, Kind: event.Missing, Fact: &g}
	}
	s := of(anchored)
	for i := range maxGaps {
		s.Add([]event.Event{missing(time.Duration(i), time.Minute)})
	}
	s.Add([]event.Event{missing(time.Minute, time.Hour), missing(2*time.Hour, 0)})
	snap := s.Snapshot(begin)
	wall := func(after time.Duration) time.Time { return time.Unix(0, 1e18).Add(after).UTC() }
	within, last := snapshot.Gap{Begin: wall(time.Minute), End: wall(time.Hour)}, snapshot.Gap{Begin: wall(2 * time.Hour), Truncated: true}
	if n := len(snap.Gaps); n != maxGaps || snap.OlderGaps != 2 || snap.Gaps[n-2] != within || snap.Gaps[n-1] != last {
		t.Errorf("%d gaps and %d older: %+v", n, snap.OlderGaps, snap.Gaps)
	}
	// What began before can go on. What was over is no loss, however late it is reported.
	s.Restart(begin.Add(time.Minute))
	s.Add([]event.Event{missing(time.Second, time.Minute)})
	snap = s.Snapshot(begin)
	if len(snap.Gaps) != 2 || snap.OlderGaps != 0 || snap.Gaps[0] != within || snap.Gaps[1] != last {
		t.Errorf("after the restart: %d older than %+v", snap.OlderGaps, snap.Gaps)
	}
}
