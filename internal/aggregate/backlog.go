package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// backlog is the sockets of each row: connections and TIME_WAIT buckets. They come from the
// table of sockets, which the port spaces read as well: one source, so that rows and spaces
// cannot contradict each other, and what a scan corrects is corrected everywhere. What the
// table cannot hold is in row.Totals, see loose and buckets.
type backlog struct {
	backlogMaps
	state *State
	whole bool // destinations and pairs without a row, too
	total gauges

	otherDests gauges // of selected sockets whose destination has no row
	past       pastBacklog
}

// backlogMaps are what a backlog has by key. Of a host with a thousand destinations they take some 400 KB,
// which the next snapshot uses again.
type backlogMaps struct {
	processes map[event.ProcID]gauges
	dests     map[destKey]gauges
	pairs     map[pairKey]gauges
	most      int // keys that there were at a time: maps do not shrink
}

// take returns the maps of the last snapshot, which are empty.
func (m *backlogMaps) take() backlogMaps {
	taken := *m
	*m = backlogMaps{}
	if taken.processes == nil {
		return backlogMaps{processes: map[event.ProcID]gauges{}, dests: map[destKey]gauges{}, pairs: map[pairKey]gauges{}}
	}
	return taken
}

// giveBack empties those of a snapshot for the next one. The room of a storm that is over goes.
func (m *backlogMaps) giveBack(used backlogMaps) {
	keys := len(used.processes) + len(used.dests) + len(used.pairs)
	if used.most = max(used.most, keys); used.most > max(keptBacklog, 4*keys) {
		return
	}
	clear(used.processes)
	clear(used.dests)
	clear(used.pairs)
	*m = used
}

// keptBacklog is for how many keys there is room in any case.
const keptBacklog = 256

// gauges are numbers of sockets. live, synSent and closeWait are of full sockets, the rest
// are of TIME_WAIT buckets by the direction of their connections. before counts those of both
// kinds that are older than the trace.
type gauges struct {
	live, synSent, closeWait, out, in, before int64
}

func (g gauges) plus(o gauges) gauges {
	return gauges{
		g.live + o.live, g.synSent + o.synSent, g.closeWait + o.closeWait, g.out + o.out, g.in + o.in, g.before + o.before,
	}
}

// minus returns what must be added to o to get g.
func (g gauges) minus(o gauges) gauges {
	return gauges{
		g.live - o.live, g.synSent - o.synSent, g.closeWait - o.closeWait, g.out - o.out, g.in - o.in, g.before - o.before,
	}
}

// backlog counts the sockets for the rows that their events count for. A key whose row was
// evicted counts for the row of the others. Without whole, destinations and pairs that have no row
// of their own are only summed up: a host can have 100,000 of them.
func (s *State) backlog(whole bool) *backlog {
	b := &backlog{backlogMaps: s.backlogMaps.take(), state: s, whole: whole, past: newPastBacklog(&s.past)}
	s.table.Each(func(space *portspace.Space) {
		run := socketRun{pair: pairKey{dest: destKey{netns: space.Netns, remote: space.Remote, proto: event.TCP}}}
		space.EachHolding(s.now, func(h *portspace.Holding) {
			if h.Direction != event.Unknown {
				run.take(h)
				b.add(&run)
			}
		})
	})
	return b
}

// socketRun is sockets that count for the same rows.
type socketRun struct {
	pair      pairKey
	direction event.Direction
	selected  bool
	gauges
}

func (r *socketRun) take(h *portspace.Holding) {
	r.pair.proc, r.direction, r.selected = h.Proc, h.Direction, h.Selected
	r.gauges = gauges{synSent: int64(h.SynSent), closeWait: int64(h.CloseWait), before: int64(h.Unseen)}
	if h.Direction == event.Out {
		r.live, r.out = int64(h.Open), int64(h.TimeWait)
	} else {
		r.in = int64(h.TimeWait)
	}
}

// full returns the gauges of one connection that is no TIME_WAIT bucket: live are the
// outgoing ones.
func full(state event.State, direction event.Direction) (g gauges) {
	if direction == event.Out {
		g.live = 1
	}
	switch state {
	case event.StateSynSent:
		g.synSent = 1
	case event.StateCloseWait:
		g.closeWait = 1
	}
	return g
}

func (b *backlog) add(r *socketRun) {
	if r.direction == event.Out {
		b.addOutgoing(r)
	}
	if r.selected {
		b.total = b.total.plus(r.gauges)
		b.processes[r.pair.proc] = b.processes[r.pair.proc].plus(r.gauges)
	}
}

func (b *backlog) addOutgoing(r *socketRun) {
	hasRow := b.state.dests.rows[r.pair.dest] != nil
	if b.whole || hasRow {
		b.dests[r.pair.dest] = b.dests[r.pair.dest].plus(r.gauges)
	}
	if !r.selected {
		return
	}
	if !hasRow {
		b.otherDests = b.otherDests.plus(r.gauges)
	}
	if b.whole || b.state.pairs.rows[r.pair] != nil {
		b.pairs[r.pair] = b.pairs[r.pair].plus(r.gauges)
		return
	}
	b.past.add(b.state, r)
}

// others returns the sum of those whose key has no row of its own.
func others[K comparable](all map[K]gauges, t *table[K]) (sum gauges) {
	for key, g := range all {
		if t.rows[key] == nil {
			sum = sum.plus(g)
		}
	}
	return sum
}
