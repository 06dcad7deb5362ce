package aggregate

import (
	"cmp"
	"slices"

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

func (f *flows) rank(one *flow, table *portspace.Table) flowRank {
	switch {
	case f.filtered && !one.selected && !f.held[one.id.ID]:
		return rankUnselected
	case one.exhausted > 0:
		return rankFailed
	}
	view := table.Find(one.id.ID).Own(one.id.ports)
	o := event.Occupancy{Capacity: view.Capacity(), Live: view.InUse()}
	switch {
	case o.IsNearlyFull():
		return rankFilling
	case o.TakenShare() > busyShare || one.Opens >= usedOpens:
		return rankUsed
	}
	return rankQuiet
}

type rankedFlow struct {
	*flow
	rank flowRank
	used event.Time // last, when it was ranked
}

func compareRanked(a, b rankedFlow) int {
	if a.rank != b.rank || a.used != b.used {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.used, b.used))
	}
	return compareFlow(a.id, b.id)
}

// evict drops the flow of the lowest rank that has been quiet longest. One search finds which half
// goes next; it holds as long as what is new is not of a lower rank, or is only a few.
func (f *flows) evict(table *portspace.Table) {
	if f.made-f.searched >= uint64(f.limit/8) && len(f.going) > 0 && f.going[0].rank > rankQuiet {
		f.going = nil
	}
	for {
		for len(f.going) > 0 {
			next := f.going[0]
			f.going[0], f.going = rankedFlow{}, f.going[1:]
			if next.last == next.used {
				f.drop(next.flow)
				return
			}
		}
		f.search(table)
	}
}

func (f *flows) search(table *portspace.Table) {
	f.searched = f.made
	f.trimUses()
	all := make([]rankedFlow, 0, len(f.byID))
	for _, flow := range f.byID {
		all = append(all, rankedFlow{flow, f.rank(flow, table), flow.last})
	}
	f.going = slices.Clone(least(all, (len(all)+1)/2, compareRanked))
}

func (f *flows) drop(gone *flow) {
	delete(f.byID, gone.id)
	if key := gone.id.dest(); f.byDest[key] == gone {
		delete(f.byDest, key)
	}
	*gone = flow{id: gone.id, dropped: true} // a use refers to it
}
