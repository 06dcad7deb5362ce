package kerneltest

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// tally has the sums of the events of one process.
type tally struct {
	opens, closesOut, closesIn, closesUnknown, fails, failedOpens, binds, bindFails uint64
}

func (a *tally) add(e *event.Event) {
	switch e.Kind {
	case event.Open:
		a.opens++
	case event.Close:
		switch e.Direction {
		case event.Out:
			a.closesOut++
		case event.In:
			a.closesIn++
		default:
			a.closesUnknown++
		}
	case event.ConnectFail:
		a.fails += e.Count
		if e.Flags.Has(event.HadPort) {
			a.failedOpens += e.Count
		}
	case event.Bind:
		a.binds++
	case event.BindFail:
		a.bindFails += e.Count
	case event.Folded:
		f := e.Fact.(*event.Fold)
		a.opens += f.Opens
		a.closesOut += f.ClosesOut
		a.closesIn += f.ClosesIn
		a.closesUnknown += f.ClosesUnknown
		a.binds += f.Binds
	}
}

// live returns what is left by the identity
// opens = closes(out) + connect_fails(with a port) + live(out).
func (a *tally) live() int { return int(a.opens) - int(a.closesOut) - int(a.failedOpens) }

func tallyOf(t *snapshot.Totals) tally {
	return tally{
		opens: t.Opens, closesOut: t.ClosesOut, closesIn: t.ClosesIn, closesUnknown: t.ClosesUnknown,
		fails: t.ConnectFailures, failedOpens: t.FailedOpens, binds: t.Binds, bindFails: t.BindFailures,
	}
}

// isNear reports whether each count is near.
func (tr *trace) isNear(got, want tally) bool {
	return tr.near(got.opens, want.opens) && tr.near(got.closesOut, want.closesOut) &&
		tr.near(got.closesIn, want.closesIn) && tr.near(want.closesUnknown, got.closesUnknown) &&
		tr.near(got.fails, want.fails) && tr.near(got.failedOpens, want.failedOpens) &&
		tr.near(got.binds, want.binds) && tr.near(got.bindFails, want.bindFails)
}

// addsUp reports whether as many are live as are open: a close that the kernel skipped
// leaves one more.
func (tr *trace) addsUp(live, open int) bool {
	return live >= open && live-open <= int(tr.missed())
}

// checkTotals compares the snapshot with the events, and both with the sockets that are still
// open: for each process and in total.
func (tr *trace) checkTotals(held map[int]int) {
	tr.t.Helper()
	var all tally
	byPID := map[int]tally{}
	for i := range tr.events {
		e := &tr.events[i]
		if e.Flags.Has(event.NotSelected) {
			continue
		}
		owner := e.Proc
		if !owner.Known() {
			owner = e.Listener
		}
		sum := byPID[int(owner.PID)]
		sum.add(e)
		byPID[int(owner.PID)] = sum
		all.add(e)
	}
	if got := tallyOf(&tr.snap.Totals); got != all {
		tr.t.Errorf("totals are %+v, the events add up to %+v", got, all)
	}
	open := 0
	for pid, n := range held {
		open += n
		if row := tallyOf(&tr.row(pid).Totals); !tr.addsUp(row.live(), n) {
			tr.t.Errorf("process %d has %d open connections, it is shown with %d", pid, n, row.live())
		}
	}
	// What was only counted is exact after the next scan, for which a trace does not wait.
	if got := int(tr.snap.Totals.Live()); tr.ledger.health.LostDetails == 0 && !tr.addsUp(got, open) {
		tr.t.Errorf("%d connections are open, %d are shown", open, got)
	}
	if !tr.addsUp(all.live(), open) {
		tr.t.Errorf("%d connections are open, %d are reported: %+v", open, all.live(), all)
	}
	for pid, sum := range byPID {
		if row := tallyOf(&tr.row(pid).Totals); row != sum {
			tr.t.Errorf("process %d is shown with %+v, its events add up to %+v", pid, row, sum)
		}
		if !tr.addsUp(sum.live(), held[pid]) {
			tr.t.Errorf("process %d: opens, closes and failures do not add up to %d open: %+v", pid, held[pid], sum)
		}
	}
}
