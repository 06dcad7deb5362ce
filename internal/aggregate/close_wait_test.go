package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestServedHere: of a connection whose both ends are on this host there are events of the server
// between those of the client. They must not have what is pending counted at once, nor take memory
// for a gauge that is zero again with the next of them.
func TestServedHere(t *testing.T) {
	enter := inbound(event.EnterCloseWait, nil)
	leave := inbound(event.Close, flagged(event.InCloseWait))
	s := of(ranged(32768, 60999), with(event.Open, nil), enter)
	if n := len(s.pending.pairs); n != 1 {
		t.Errorf("%d pairs are pending", n)
	}
	s.Add([]event.Event{with(event.Close, nil), leave})
	events := []event.Event{enter, leave}
	if n := testing.AllocsPerRun(100, func() { s.Add(events) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
	if got := s.Snapshot(begin.Add(time.Millisecond)).Totals; got.Opens != 1 || got.ClosesIn < 100 || got.CloseWait != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestKnownRow: a table knows the row that it was asked for last, as long as it is the key's.
func TestKnownRow(t *testing.T) {
	t.Parallel()
	open := with(event.Open, nil)
	rows := newTable[int](8, false)
	check := func(what string, key int, want *row) {
		t.Helper()
		if got := rows.known(key); got != want {
			t.Errorf("%s: %d has %p, want %p", what, key, got, want)
		}
	}
	check("empty", 0, nil)
	one := rows.row(1, &open)
	check("made", 1, one)
	rows.rename(func(key int) (int, bool) { return key + 1, key == 1 })
	check("renamed", 1, nil)
	check("renamed", 2, one)
	restart(rows, nil)
	check("restarted", 2, nil)
	two := rows.row(2, &open)
	check("made again", 2, two)
	rows.remove(2, two)
	check("removed", 2, nil)
}

// TestCloseWaitInStorm: while a storm to a server goes on, what happens to its connections is counted, and scans
// find some of them, or that they have ended. What another server keeps in CLOSE_WAIT is there all the time.
func TestCloseWaitInStorm(t *testing.T) {
	t.Parallel()
	const other, server = 7, 8
	by := func(pid uint32, change func(*event.Event)) func(*event.Event) {
		return func(e *event.Event) {
			e.Listener, e.Src.Port = event.ProcID{PID: pid, Start: 1}, 8080 // of the port range: the table has those found
			if change != nil {
				change(e)
			}
		}
	}
	counted := func(at time.Duration, fold event.Fold) event.Event {
		return after(at, inbound(event.Folded, by(server, func(e *event.Event) { e.Fact, e.Last = &fold, e.Time.Add(at) })))
	}
	s := newStream()
	check := func(what string, want int64) {
		t.Helper()
		if got := s.Snapshot(0).Totals.CloseWait; got != want {
			t.Errorf("%s: %d in CLOSE_WAIT, want %d", what, got, want)
		}
	}
	kept := inbound(event.EnterCloseWait, by(other, func(e *event.Event) { e.Dst.Port = 1 }))
	s.Add([]event.Event{ranged(1024, 60999), kept, counted(time.Second, event.Fold{EnterCloseWait: 100, LeaveCloseWait: 100})})
	check("counted", 1)
	found := after(2*time.Second, inbound(event.SocketFound, by(server, func(e *event.Event) { e.State, e.Dst.Port = event.StateCloseWait, 2 })))
	s.Add([]event.Event{counted(2*time.Second, event.Fold{EnterCloseWait: 1}), found})
	check("counted and found", 2)
	gone := after(3*time.Second, inbound(event.SocketGone, by(server, func(e *event.Event) { e.Dst.Port = 2 })))
	s.Add([]event.Event{counted(3*time.Second, event.Fold{LeaveCloseWait: 1}), gone})
	check("its end counted, and gone", 1)
	unknown := func(kind event.Kind) event.Event {
		return after(3*time.Second, inbound(kind, by(server, func(e *event.Event) {
			e.State, e.Dst.Port, e.Direction = event.StateCloseWait, 3, event.Unknown
		})))
	}
	s.Add([]event.Event{unknown(event.SocketFound), unknown(event.SocketGone)})
	check("of unknown direction, and gone", 1)
	s.Add([]event.Event{counted(4*time.Second, event.Fold{LeaveCloseWait: 50})})
	check("ends before they have entered", 1)
}
