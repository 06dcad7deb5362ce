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
	s.table.EachBucket(func(space *portspace.Space, socket portspace.Socket) {
		selected := !socket.Flags.Has(event.NotSelected)
		dest := destKey{space.Netns, space.Remote, event.TCP}
		var one waiting
		switch socket.Direction {
		case event.Out:
			one.out = 1
			b.dests[dest] = b.dests[dest].plus(one)
			if key := (pairKey{socket.Proc, dest}); selected {
				b.pairs[key] = b.pairs[key].plus(one)
			}
		case event.In:
			one.in = 1
		default:
			return
		}
		if selected {
			b.total = b.total.plus(one)
			b.processes[socket.Proc] = b.processes[socket.Proc].plus(one)
		}
	})
	return b
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
