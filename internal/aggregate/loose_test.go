package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// found is a connection that a scan has found; before is whether it is older than the trace.
func found(port uint16, state event.State, before bool) event.Event {
	return with(event.SocketFound, func(e *event.Event) {
		e.Src.Port, e.State, e.Cookie = port, state, uint64(port)
		if before {
			e.Flags = event.BeforeStart
		}
		if state == event.StateTimeWait {
			e.Proc, e.Last = event.ProcID{}, begin.Add(40*time.Second)
		}
	})
}

func scanned() event.Event {
	return event.Event{Time: begin, Kind: event.CensusTaken, Fact: &event.Census{Netns: inode}}
}

func gone(port uint16) event.Event { return with(event.SocketGone, from(port)) }

// gaugesOf returns those of a row that a scan corrects.
func gaugesOf(t *snapshot.Totals) [5]int64 {
	return [...]int64{t.Live(), t.SynSent, t.CloseWait, t.TimeWaitOut, t.BeforeStart}
}

// TestBeforeStart: connections from before the start are in every table from the scan on
// that finds them, and leave it when they end.
func TestBeforeStart(t *testing.T) {
	t.Parallel()
	s := of(
		scanned(), found(40001, event.StateEstablished, true), found(40002, event.StateCloseWait, true),
		found(40003, event.StateSynSent, true),
	)
	check := func(what string, want [5]int64) {
		t.Helper()
		for name, got := range rowsByName(s.Snapshot(begin)) {
			if gaugesOf(&got) != want {
				t.Errorf("%s, %s: live, SYN_SENT, CLOSE_WAIT, TIME_WAIT, before start are %v, want %v", what, name, gaugesOf(&got), want)
			}
			if got.Opens+uint64(got.LiveBefore) != got.ClosesOut+got.FailedOpens+uint64(got.Live()+got.EndedUnseen) {
				t.Errorf("%s, %s does not add up: %+v", what, name, got)
			}
		}
	}
	check("found", [5]int64{3, 1, 1, 0, 3})
	s.Add([]event.Event{with(event.Open, from(40004))})
	check("one more", [5]int64{4, 1, 1, 0, 3})
	s.Add([]event.Event{found(40001, event.StateEstablished, true), found(40002, event.StateCloseWait, true)})
	check("repeated by a resync", [5]int64{4, 1, 1, 0, 3})
	s.Add([]event.Event{with(event.Close, from(40002)), with(event.ConnectFail, all(from(40003), flagged(event.HadPort)))})
	check("ended", [5]int64{2, 0, 0, 0, 1})
	s.Add([]event.Event{with(event.Close, all(from(40001), flagged(event.TimeWait)))})
	check("its bucket is younger", [5]int64{1, 0, 0, 1, 0})
}

// TestTimeWaitBeforeStart: such buckets have no owner, but a destination.
func TestTimeWaitBeforeStart(t *testing.T) {
	t.Parallel()
	s := of(kernelCount(3), scanned(), found(40001, event.StateTimeWait, true), found(40002, event.StateTimeWait, true))
	snap := s.Snapshot(begin)
	if got := snap.Totals; got.TimeWaitOut != 2 || got.BeforeStart != 2 || got.TimeWaitOther != 1 || len(snap.Destinations) != 1 ||
		snap.Destinations[0].TimeWaitOut != 2 || processOf(t, snap, event.ProcID{}).BeforeStart != 2 {
		t.Errorf("got %+v of %+v", got, snap.Destinations)
	}
	if got := s.Snapshot(begin.Add(time.Minute)).Totals; got.TimeWaitOut != 0 || got.BeforeStart != 0 {
		t.Errorf("a minute later: %+v", got)
	}
}

// TestScanCorrectsRows: what the kernel skipped or only counted is right after the next scan.
func TestScanCorrectsRows(t *testing.T) {
	t.Parallel()
	unanswered := fold(event.Fold{Opens: 5, EnterSynSent: 5, EnterCloseWait: 2}, nil)
	for _, tc := range []struct {
		name   string
		events []event.Event
		live   int64
		unseen int64
	}{
		{"a close was missed", []event.Event{with(event.Open, nil), scanned(), gone(40000)}, 0, 1},
		{"closes were missed, and the port was taken again", []event.Event{with(event.Open, nil), with(event.Open, nil), with(event.Open, nil), scanned()}, 1, 2},
		{"a close came as a sum", []event.Event{with(event.Open, nil), fold(event.Fold{ClosesOut: 1}, nil), scanned(), gone(40000)}, 0, 0},
		{"and while the scan was running", []event.Event{with(event.Open, nil), fold(event.Fold{ClosesOut: 1}, nil), scanned(), after(5*time.Second, scanned()), after(5*time.Second, gone(40000))}, 0, 0},
		{"opens came as a sum", []event.Event{fold(event.Fold{Opens: 2}, nil), scanned(), found(40001, event.StateEstablished, false), found(40002, event.StateEstablished, false)}, 2, 0},
		{"nothing is left of a sum", []event.Event{unanswered, after(3*time.Second, scanned())}, 0, 5},
		{"a sum that goes on is counted", []event.Event{fold(event.Fold{Opens: 5}, nil), scanned(), found(40001, event.StateEstablished, false)}, 5, 0},
		{"an end whose bucket the scan has seen first", []event.Event{
			with(event.Open, nil), scanned(), found(40000, event.StateTimeWait, false), with(event.Close, flagged(event.FinWait2)),
		}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			snap := of(tc.events...).Snapshot(begin)
			got := processOf(t, snap, shop)
			for _, row := range []snapshot.Totals{got.Totals, snap.Totals, snap.Destinations[0].Totals} {
				if row.Live() != tc.live || row.EndedUnseen != tc.unseen || row.SynSent != 0 || row.CloseWait != 0 {
					t.Errorf("live %d, %d ended unseen, want %d, %d: %+v", row.Live(), row.EndedUnseen, tc.live, tc.unseen, row)
				}
			}
		})
	}
}

// TestScanLeavesUDP: no scan finds these sockets.
func TestScanLeavesUDP(t *testing.T) {
	t.Parallel()
	s := of(with(event.Open, func(e *event.Event) { e.Proto = event.UDP }), scanned())
	if live := s.Snapshot(begin).Totals.Live(); live != 1 {
		t.Errorf("%d live", live)
	}
}

// TestAcceptedBeforeStart: connections that a server accepted before the start count for
// their owner, wherever their port is.
func TestAcceptedBeforeStart(t *testing.T) {
	t.Parallel()
	accepted := func(port uint16, state event.State, change ...func(*event.Event)) event.Event {
		return inbound(event.SocketFound, func(e *event.Event) {
			e.Dst.Port, e.State, e.Flags, e.Listener = port, state, event.BeforeStart, event.ProcID{}
			for _, c := range change {
				c(e)
			}
		})
	}
	wide := event.Event{Time: begin, Kind: event.CensusTaken, Fact: &event.Census{Netns: inode, Wide: true}}
	enter := inbound(event.EnterCloseWait, func(e *event.Event) { e.Proc, e.Dst.Port = nginx, 9 })
	leave := inbound(event.Close, func(e *event.Event) { e.Flags, e.Dst.Port = event.InCloseWait, 9 })
	younger := func(e *event.Event) { e.Flags = 0 }
	for _, tc := range []struct {
		name              string
		events            []event.Event
		closeWait, before int64
	}{
		{"found", []event.Event{wide, accepted(1, event.StateEstablished), accepted(2, event.StateCloseWait)}, 1, 2},
		{"one has ended", []event.Event{wide, accepted(1, event.StateEstablished), accepted(2, event.StateCloseWait), inbound(event.Close, func(e *event.Event) { e.Dst.Port = 2 })}, 0, 1},
		{"a younger one", []event.Event{enter, leave, enter}, 1, 0},
		{"its close was missed", []event.Event{enter, wide}, 0, 0},
		{"it is found", []event.Event{enter, wide, accepted(9, event.StateCloseWait, younger)}, 1, 0},
		{"it is found and ends", []event.Event{enter, wide, accepted(9, event.StateCloseWait, younger), leave}, 0, 0},
		{"it entered and left while the scan was running", []event.Event{enter, wide, leave}, 0, 0},
		{"it goes on closing", []event.Event{enter, wide, accepted(9, event.StateCloseWait, younger), accepted(9, event.StateLastAck, younger)}, 0, 0},
		{"its listener is known late", []event.Event{inbound(event.EnterCloseWait, func(e *event.Event) { e.Proc, e.Listener = event.ProcID{}, event.ProcID{} }), leave}, 0, 0},
	} {
		snap := of(tc.events...).Snapshot(begin)
		var sum int64
		for _, p := range snap.Processes {
			sum += p.CloseWait
			if p.CloseWait < 0 {
				t.Errorf("%s: %v has %d in CLOSE_WAIT", tc.name, p.Info.ID, p.CloseWait)
			}
		}
		if got := snap.Totals; got.CloseWait != tc.closeWait || got.BeforeStart != tc.before || sum != tc.closeWait || got.Live() != 0 {
			t.Errorf("%s: CLOSE_WAIT %d, in rows %d, %d before start, %d live", tc.name, got.CloseWait, sum, got.BeforeStart, got.Live())
		}
	}
}
