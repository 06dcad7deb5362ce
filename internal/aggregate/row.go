package aggregate

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// row is what is counted of a process, a destination, a pair of them, or the whole.
type row struct {
	// These are read for every event, so they stand together.
	proc, dest *row  // of a pair: the rows it belongs to
	mergedInto *row  // set when the row was evicted: the row that has its counts
	pending    int32 // of a pair: its place in pending, from 1 on; of its process and destination: ofPair; 0: none
	shared     bool  // it counts for several keys

	snapshot.Totals
	looseLive  int64 // see loose; of the other gauges it is in Totals
	lifetimes  snapshot.Lifetimes
	history    *history.History // nil if none is kept
	first      event.Time
	last       event.Time
	earlyBinds uint64     // opens of ports that a bind() had chosen
	ended      event.Time // when an outgoing connection ended last, or one of which the direction is not known

	info    *event.Process     // of a process: who it is
	place   int                // in the last snapshot, from 1 on; 0: none
	number  uint64             // the rows of a table are made one after another
	credit  uint64             // what it weighed when it was made
	group   *snapshot.Identity // of a shared row of processes: what they have in common
	evicted int                // of the same: how many lost their rows to it
}

const (
	failureWeight = 4 // a row is read for its failures first
	openWeight    = 4 // and for what is going on
)

// weight decides which rows of a full table stay.
func (r *row) weight() uint64 {
	weight := r.credit + r.Opens + r.ClosesIn + r.Binds + failureWeight*r.Failed()
	if r.idle() {
		return weight
	}
	return openWeight * (weight + uint64(max(r.Live(), 0)))
}

func newRow(withHistory bool) *row {
	r := &row{}
	if withHistory {
		r.history = &history.History{}
	}
	return r
}

// current returns the row that counts in place of r.
func (r *row) current() *row {
	for r != nil && r.mergedInto != nil { // a shared row can be evicted, too
		r = r.mergedInto
	}
	return r
}

// rowSet is the rows that a connection counts for; those that do not apply are nil. It may
// outlive the rows, as a TIME_WAIT bucket does.
type rowSet struct {
	netns   uint32
	inbound bool
	total   *row
	proc    *row
	dest    *row
	pair    *row
}

// rows returns them; some may be nil.
func (h *rowSet) rows() [4]*row {
	return [...]*row{h.total, h.proc.current(), h.dest.current(), h.pair.current()}
}

// current returns the set without rows that were evicted, which it would keep in memory.
func (h rowSet) current() rowSet {
	h.proc, h.dest, h.pair = h.proc.current(), h.dest.current(), h.pair.current()
	return h
}

// leastRowSets is how many sets of rows may be kept in any case until those are merged whose rows were
// evicted.
const leastRowSets = 512

// count adds n occurrences of the event.
func (r *row) count(e *event.Event, n uint64) {
	r.seen(e.Time)
	switch e.Kind {
	case event.Open:
		r.Opens += n
		if e.Flags.Has(event.EarlyBind) {
			r.earlyBinds += n
		}
		r.history.Add(e.Time, snapshot.Point{Opens: uint32(n)})
	case event.Close:
		r.closed(e)
	case event.ConnectFail:
		r.ConnectFailures += n
		r.history.Add(e.Time, snapshot.Point{Failures: uint32(n)})
		if e.Flags.Has(event.HadPort) {
			r.FailedOpens += n
			r.ended = max(r.ended, e.Time)
		}
	case event.Bind:
		r.Binds += n
	case event.BindFail:
		r.BindFailures += n
		r.history.Add(e.Time, snapshot.Point{Failures: uint32(n)})
	}
}

func (r *row) closed(e *event.Event) {
	r.history.Add(e.Time, snapshot.Point{Closes: 1})
	if e.Direction != event.In {
		r.ended = max(r.ended, e.Time)
	}
	switch e.Direction {
	case event.Out:
		r.ClosesOut++
		if e.ClosedBy == event.Reset && e.ResetBy == event.Local {
			r.ResetsOut++
		}
		r.lifetimes.Add(time.Duration(e.Duration))
	case event.In:
		r.ClosesIn++
	default:
		r.ClosesUnknown++
	}
	if e.Flags&(event.TimeWait|event.FinWait2) != 0 {
		r.TimeWaitEntered++
	}
}

func (r *row) fold(e *event.Event, f *event.Fold) {
	r.seen(e.Time)
	closes := f.ClosesOut + f.ClosesIn + f.ClosesUnknown
	r.Opens += f.Opens
	r.ClosesOut += f.ClosesOut
	r.ClosesIn += f.ClosesIn
	r.ClosesUnknown += f.ClosesUnknown
	r.ConnectFailures += f.ConnectFails
	r.FailedOpens += f.ConnectFails
	r.Binds += f.Binds
	r.ResetsOut += f.ResetsOut
	r.Unlisted += f.Opens + closes + f.Binds
	r.earlyBinds += f.EarlyBinds
	r.TimeWaitEntered += f.TimeWaitOut + f.TimeWaitIn
	if f.ClosesOut+f.ClosesUnknown+f.ConnectFails > 0 {
		r.ended = max(r.ended, e.Time)
	}
	r.history.AddSpan(e.First, e.Last, snapshot.Point{Opens: uint32(f.Opens), Closes: uint32(closes)})
}

func (r *row) seen(at event.Time) {
	if r.first == 0 || at < r.first {
		r.first = at
	}
	r.last = max(r.last, at)
}

// idle reports whether no outgoing connection of the row is open, as far as events have shown.
func (r *row) idle() bool { return r.Live() <= 0 && r.CloseWait <= 0 && r.SynSent <= 0 }

// merge adds another row's counts; histories and lifetimes too.
func (r *row) merge(o *row) {
	t, u := &r.Totals, &o.Totals
	t.LiveBefore += u.LiveBefore
	t.EndedUnseen += u.EndedUnseen
	t.Opens += u.Opens
	t.ClosesOut += u.ClosesOut
	t.ClosesIn += u.ClosesIn
	t.ClosesUnknown += u.ClosesUnknown
	t.ConnectFailures += u.ConnectFailures
	t.FailedOpens += u.FailedOpens
	t.Binds += u.Binds
	t.BindFailures += u.BindFailures
	t.ResetsOut += u.ResetsOut
	t.TimeWaitEntered += u.TimeWaitEntered
	t.Unlisted += u.Unlisted
	t.TimeWaitOut += u.TimeWaitOut
	t.TimeWaitIn += u.TimeWaitIn
	t.SynSent += u.SynSent
	t.CloseWait += u.CloseWait
	r.looseLive += o.looseLive
	r.earlyBinds += o.earlyBinds
	r.ended = max(r.ended, o.ended)
	r.lifetimes.Merge(&o.lifetimes)
	r.history.Merge(o.history)
	if o.first != 0 {
		r.seen(o.first)
		r.seen(o.last)
	}
	r.evicted += o.evicted
}
