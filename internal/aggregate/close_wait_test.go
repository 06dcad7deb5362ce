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
