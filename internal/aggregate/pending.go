package aggregate

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// pending is what plain events of this second have done that no row has counted yet. Each of them
// counts for four rows, whose memory is far apart, so that counting took a third of the time of an
// event. The sum of a pair is counted once a second instead, or as soon as something needs to read
// the rows: see settle. One row alone counts what is pending of it before it is weighed or goes
// (settleRow): where pairs are more than there are rows for, that is thousands of times a second.
type pending struct {
	second int64 // in which all of it was
	pairs  []pendingPair
}

// ofPair is the pending of the rows of processes and destinations of which some pair is pending.
const ofPair = -1

// pendingPair is the sum of one pair. Its row, and those of its process and its destination, are in
// their tables until it is counted.
type pendingPair struct {
	pair        *row // nil: it is counted
	lifetimes   snapshot.LifetimeBatch
	first, last event.Time
	ended       event.Time // the last close, 0: none
	opens       uint32
	earlyBinds  uint32
	closes      uint32
	resets      uint32
	timeWaits   uint32
}

// isPlain reports whether an event can be pending: one that opens or closes one connection, and is
// selected. They are nearly all events of a storm.
func isPlain(e *event.Event) bool {
	return (e.Kind == event.Open || e.Kind == event.Close) && e.Direction == event.Out && e.Dst.Port != 0 && e.Count <= 1 &&
		!e.Flags.Has(event.NotSelected)
}

// onlyAdds reports whether events of a kind read nothing that is pending: they add to rows, in whatever
// order. If both ends of the connections of a storm are on this host, one of them enters CLOSE_WAIT: as
// many events as opens.
func onlyAdds(k event.Kind) bool {
	switch k {
	case event.Open, event.Close, event.EnterCloseWait, event.SynUnanswered, event.SynAnswered:
		return true
	}
	return false
}

// add takes a plain event of a pair. It returns false, and takes nothing, if it must be counted at
// once: it is of another second, or has a lifetime of one class too many.
func (p *pending) add(pair *row, e *event.Event) bool {
	if second := history.SecondOf(e.Time); second != p.second {
		if len(p.pairs) > 0 {
			return false
		}
		p.second = second
	}
	if pair.pending == 0 {
		p.pairs = append(p.pairs, pendingPair{pair: pair, first: e.Time})
		pair.pending, pair.proc.pending, pair.dest.pending = int32(len(p.pairs)), ofPair, ofPair
	}
	return p.pairs[pair.pending-1].add(e)
}

func (p *pendingPair) add(e *event.Event) bool {
	if e.Kind == event.Close {
		if !p.lifetimes.Add(time.Duration(e.Duration)) {
			return false
		}
		p.closes++
		p.ended = max(p.ended, e.Time)
		if e.ClosedBy == event.Reset && e.ResetBy == event.Local {
			p.resets++
		}
		if e.Flags&(event.TimeWait|event.FinWait2) != 0 {
			p.timeWaits++
		}
	} else {
		p.opens++
		if e.Flags.Has(event.EarlyBind) {
			p.earlyBinds++
		}
	}
	p.first, p.last = min(p.first, e.Time), max(p.last, e.Time)
	return true
}

// settle has the rows count what is pending. The order in which it is done makes no difference, so
// that it may be done at any moment.
func (s *State) settle() {
	p := &s.pending
	for i := range p.pairs {
		if pair := p.pairs[i].pair; pair != nil {
			s.settlePair(pair)
			pair.proc.pending, pair.dest.pending = 0, 0
		}
	}
	if cap(p.pairs) > 64 && len(p.pairs) < cap(p.pairs)/4 {
		p.pairs = nil // of a storm that is over
	}
	p.pairs = p.pairs[:0]
}

// settleRow has one row count what is pending of it, nil: all rows.
func (s *State) settleRow(r *row) {
	switch {
	case r == nil || r.pending == ofPair:
		s.settle()
	case r.pending > 0:
		s.settlePair(r)
	}
}

// settlePair counts what is pending of a pair. Its process and destination may have more of it.
func (s *State) settlePair(pair *row) {
	one := &s.pending.pairs[pair.pending-1]
	for _, r := range [...]*row{s.total, pair.proc, pair.dest, pair} {
		r.addPending(one, s.pending.second)
	}
	one.pair, pair.pending = nil, 0
}

func (r *row) addPending(p *pendingPair, second int64) {
	if p.last == 0 {
		return
	}
	r.seen(p.first)
	r.seen(p.last)
	r.Opens += uint64(p.opens)
	r.earlyBinds += uint64(p.earlyBinds)
	r.ClosesOut += uint64(p.closes)
	r.ResetsOut += uint64(p.resets)
	r.TimeWaitEntered += uint64(p.timeWaits)
	r.ended = max(r.ended, p.ended)
	r.lifetimes.AddBatch(&p.lifetimes)
	r.history.Add(event.Time(second*int64(time.Second)), snapshot.Point{Opens: p.opens, Closes: p.closes})
}
