package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
)

// spaceUse is what the last event of a port space counted for, which most often is what the next one
// counts for, too: one place in memory in place of two look-ups in large maps, which took a fifth of
// the time of an event.
type spaceUse struct {
	flow *flow
	key  pairKey
	pair *row
}

// maxUses bounds the spaces of which that is kept, 72 bytes each. Spaces are numbered from 1 on, and a
// number that is free is used again.
const maxUses = 1 << 14

// use returns the entry of a space, nil if it has none.
func (f *flows) use(space uint32) *spaceUse {
	if space == 0 || int(space) >= f.maxUses {
		return nil
	}
	if lacking := int(space) + 1 - len(f.uses); lacking > 0 {
		f.uses = append(f.uses, make([]spaceUse, lacking)...)
	}
	return &f.uses[space]
}

// trimUses forgets the flows and rows that are gone, which would stay in memory.
func (f *flows) trimUses() {
	for i := range f.uses {
		use := &f.uses[i]
		if use.flow != nil && use.flow.dropped {
			use.flow = nil
		}
		if use.pair != nil && use.pair.mergedInto != nil {
			use.pair = nil
		}
	}
}

// pairRow returns the row of a pair.
func (s *State) pairRow(key pairKey, e *event.Event) *row {
	use := s.flows.use(s.table.LastSpace())
	if use != nil && use.pair != nil && use.key == key && s.pairs.holds(use.pair) {
		return use.pair
	}
	r := s.pairs.row(key, e)
	if use != nil {
		use.key, use.pair = key, r
	}
	return r
}
