package aggregate

import (
	"cmp"
	"container/heap"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// flowRank says for how long a flow is worth its place: a scan elsewhere, which is thousands
// of spaces with one open each, must not take it from one that is full or nearly full.
type flowRank uint8

const (
	rankUnselected flowRank = iota // the filter leaves it out, so it is not listed
	rankQuiet                      // it holds few ports
	rankUsed                       // it holds a tenth of its ports, or was opened from often
	rankFilling                    // nearly full
	rankFailed                     // calls found no port
)

const usedOpens = 100 // from as many opens on a flow is more than a scan's

// leastRank returns the rank that a flow has at least. It costs next to nothing, unlike the rank.
func (f *flows) leastRank(one *flow) flowRank {
	switch {
	case f.filtered && !one.selected && !f.held[one.id.ID]:
		return rankUnselected
	case one.exhausted > 0:
		return rankFailed
	case one.Opens >= usedOpens:
		return rankUsed
	}
	return rankQuiet
}

func (f *flows) rank(one *flow, table *portspace.Table) flowRank {
	atLeast := f.leastRank(one)
	if atLeast == rankUnselected || atLeast == rankFailed {
		return atLeast
	}
	view := table.Find(one.id.ID).Own(one.id.ports)
	o := event.Occupancy{Capacity: view.Capacity(), Live: view.InUse()}
	switch {
	case o.IsNearlyFull():
		return rankFilling
	case o.TakenShare() > busyShare:
		return rankUsed
	}
	return atLeast
}

// rankedFlow has the rank of a flow, or that which it has at least.
type rankedFlow struct {
	*flow
	rank  flowRank
	exact bool
}

func compareRanked(a, b rankedFlow) int {
	if a.rank != b.rank || a.last != b.last {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.last, b.last))
	}
	return compareFlow(a.id, b.id)
}

// evictionQueue is a heap of flows: first is what is to go first.
type evictionQueue []rankedFlow

func (q evictionQueue) Len() int           { return len(q) }
func (q evictionQueue) Less(i, j int) bool { return compareRanked(q[i], q[j]) < 0 }
func (q evictionQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *evictionQueue) Push(x any)        { *q = append(*q, x.(rankedFlow)) }
func (q *evictionQueue) Pop() any {
	last := len(*q) - 1
	one := (*q)[last]
	*q = (*q)[:last]
	return one
}

// evict drops an eighth: those of the lowest rank that have been quiet longest. Only what comes
// first by the rank that it has at least is ranked exactly, which mostly changes nothing.
func (f *flows) evict(table *portspace.Table) {
	queue := make(evictionQueue, 0, len(f.byID))
	for _, flow := range f.byID {
		queue = append(queue, rankedFlow{flow: flow, rank: f.leastRank(flow)})
	}
	heap.Init(&queue)
	for stay := len(queue) - len(queue)/8; len(queue) > stay; {
		if first := &queue[0]; !first.exact {
			first.rank, first.exact = f.rank(first.flow, table), true
			heap.Fix(&queue, 0)
			continue
		}
		f.drop(heap.Pop(&queue).(rankedFlow).flow)
	}
	f.last = nil
}

func (f *flows) drop(gone *flow) {
	delete(f.byID, gone.id)
	if key := (destKey{netns: gone.id.Netns, remote: gone.id.Remote, proto: event.TCP}); f.byDest[key] == gone {
		delete(f.byDest, key)
	}
}
