package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Restart begins to count from zero at a moment of the stream, at or after the last event.
// What happened before is forgotten, but not what it has left behind: connections,
// TIME_WAIT buckets, and the facts of the world.
func (s *State) Restart(at event.Time) {
	s.advance(at)
	s.settle()
	s.started = at
	for _, r := range s.processes.rows {
		// A row knows its process for longer than the world does, and may go now.
		s.world.Apply(&event.Event{Fact: r.info})
	}
	b := s.backlog(true)
	past := s.pastBacklog(b)
	s.total.restart(b.total)
	restart(s.processes, b.processes)
	restart(s.dests, b.dests)
	restart(s.unselected, b.dests)
	restart(s.pairs, b.pairs)
	restart(s.past.processes, past)
	restart(s.past.pairs, nil)
	s.flows.restart()
	s.udp.restart()
	s.fills = newFills()
	s.fills.second = history.SecondOf(at)
	for _, id := range s.files.nearLimit() {
		s.process(id, &event.Event{Time: at})
	}
	for _, c := range s.counts {
		c.restart()
	}
	s.failures = newFailures(s.share)
	s.notices = nil
	s.recent = newRecent()
	s.gaps.restart(at)
	s.limits.restart()
	s.unattributed = 0
	s.scope.events = 0
	s.healthBefore = s.health
}

// restart drops the rows that hold nothing, neither sockets nor TIME_WAIT buckets.
func restart[K comparable](t *table[K], backlog map[K]gauges) {
	others := others(backlog, t)
	for key, r := range t.rows {
		if r.restart(backlog[key]); r.empty() && backlog[key] == (gauges{}) {
			delete(t.rows, key)
		}
	}
	if t.other != nil {
		if t.other.restart(others); t.other.empty() && others == (gauges{}) {
			t.other = nil
		}
	}
	t.floor, t.waiting, t.going = 0, nil, going[K]{} // there may be room now, and what is counted is zero
	t.last = nil                                     // it may be none any more
}

// restart keeps the gauges and the row's process. The rows that a pair belongs to may
// have gone: its next event looks them up.
func (r *row) restart(held gauges) {
	r.Totals = snapshot.Totals{
		LiveBefore: r.looseLive + held.live, TimeWaitOut: r.TimeWaitOut, TimeWaitIn: r.TimeWaitIn,
		SynSent: r.SynSent, CloseWait: r.CloseWait,
	}
	r.lifetimes = snapshot.Lifetimes{}
	if r.history != nil {
		r.history = &history.History{}
	}
	r.earlyBinds = 0
	r.ended = 0
	r.first, r.last = 0, 0
	r.credit, r.evicted = 0, 0
	r.proc, r.dest = nil, nil
}

// empty reports whether all that the row holds is zero. A gauge below zero is something:
// what makes up for it is still to come. TIME_WAIT buckets point to their rows, so a row
// that holds any stays.
func (r *row) empty() bool {
	return r.looseLive == 0 && r.SynSent == 0 && r.CloseWait == 0 && r.TimeWaitOut == 0 && r.TimeWaitIn == 0
}
