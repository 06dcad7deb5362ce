package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// backlog is the TIME_WAIT buckets of each row. Those that hold a port of the range come
// from the table of sockets, which the port spaces read as well: one source, so that rows
// and spaces cannot contradict each other. The others are in row.Totals, see buckets.
type backlog struct {
	total     waiting
	processes map[event.ProcID]waiting
	dests     map[destKey]waiting
	pairs     map[pairKey]waiting
}

// waiting is a number of buckets by the direction of their connections.
type waiting struct{ out, in int64 }

func (w waiting) plus(o waiting) waiting { return waiting{w.out + o.out, w.in + o.in} }

// backlog counts the buckets whose close was in the stream, for the rows that the close was
// counted for. A key whose row was evicted counts for the row of the others.
func (s *State) backlog() *backlog {
	b := &backlog{
		processes: map[event.ProcID]waiting{}, dests: map[destKey]waiting{}, pairs: map[pairKey]waiting{},
	}
	// Buckets of a space come one after another and most have one owner: they are added in
	// runs.
	var run bucketRun
	s.table.EachBucket(func(space *portspace.Space, socket portspace.Socket) {
		next := bucketRun{
			pair:      pairKey{socket.Proc, destKey{space.Netns, space.Remote, event.TCP}},
			direction: socket.Direction, selected: !socket.Flags.Has(event.NotSelected), n: 1,
		}
		if run.joins(&next) {
			run.n++
			return
		}
		b.add(&run)
		run = next
	})
	b.add(&run)
	return b
}

// bucketRun is buckets that count for the same rows.
type bucketRun struct {
	pair      pairKey
	direction event.Direction
	selected  bool
	n         int64
}

func (r *bucketRun) joins(next *bucketRun) bool {
	return r.pair == next.pair && r.direction == next.direction && r.selected == next.selected
}

func (b *backlog) add(r *bucketRun) {
	var w waiting
	switch r.direction {
	case event.Out:
		w.out = r.n
		b.dests[r.pair.dest] = b.dests[r.pair.dest].plus(w)
		if r.selected {
			b.pairs[r.pair] = b.pairs[r.pair].plus(w)
		}
	case event.In:
		w.in = r.n
	default:
		return
	}
	if r.selected {
		b.total = b.total.plus(w)
		b.processes[r.pair.proc] = b.processes[r.pair.proc].plus(w)
	}
}

// others returns the sum of those whose key has no row of its own.
func others[K comparable](all map[K]waiting, t *table[K]) (sum waiting) {
	for key, w := range all {
		if t.rows[key] == nil {
			sum = sum.plus(w)
		}
	}
	return sum
}
