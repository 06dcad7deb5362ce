package snapshot

import "github.com/porttrace/porttrace/internal/event"

// GroupOf returns the group of that key as GroupRows has it, but for a name that only a program beside it
// changes; nil if there is none in the snapshot.
func GroupOf(s *Snapshot, by Grouping, key GroupKey) *ProcessGroup {
	key = key.found(by)
	var g *ProcessGroup
	of := func(is GroupKey) *ProcessGroup {
		if is != key {
			return nil
		}
		if g == nil {
			g = &ProcessGroup{GroupKey: key}
		}
		return g
	}
	for i := range s.Processes {
		p := &s.Processes[i]
		if g := of(keyOf(&p.Info, by)); g != nil {
			g.join(p)
		}
	}
	for i := range s.Past {
		if past := &s.Past[i]; !past.Others {
			if g := of(past.key(by)); g != nil {
				g.joinPast(past)
			}
		}
	}
	for i := range s.PastPairs {
		if past := &s.PastPairs[i]; !past.Others {
			of(past.key(by))
		}
	}
	if g != nil {
		g.finish(by)
	}
	return g
}

// DestinationsOf returns the Destinations of a group of the snapshot.
func DestinationsOf(s *Snapshot, by Grouping, g *ProcessGroup) []Pair {
	sum := newPairSum()
	members := make(map[event.ProcID]bool, len(g.Members))
	for _, p := range g.Members {
		members[p.Info.ID] = true
	}
	for i := range s.Pairs {
		if members[s.Pairs[i].Proc] {
			sum.add(&s.Pairs[i])
		}
	}
	key := g.found(by)
	for i := range s.PastPairs {
		if past := &s.PastPairs[i]; !past.Others && past.key(by) == key {
			sum.add(&past.Pair)
		}
	}
	return sum.sorted()
}

// addDestinations adds the destinations to all groups.
func addDestinations(s *Snapshot, rows []ProcessGroup, by Grouping) {
	owners := make(map[event.ProcID]int, len(s.Processes))
	keys := make(map[GroupKey]int, len(rows))
	for i := range rows {
		keys[rows[i].found(by)] = i
		for _, p := range rows[i].Members {
			owners[p.Info.ID] = i
		}
	}
	sums := make([]*pairSum, len(rows))
	of := func(row int) *pairSum {
		if sums[row] == nil {
			sums[row] = newPairSum()
		}
		return sums[row]
	}
	for i := range s.Pairs {
		if row, ok := owners[s.Pairs[i].Proc]; ok { // the others are in PastPairs
			of(row).add(&s.Pairs[i])
		}
	}
	for i := range s.PastPairs {
		if past := &s.PastPairs[i]; !past.Others {
			of(keys[past.key(by)]).add(&past.Pair)
		}
	}
	for i, sum := range sums {
		if sum != nil {
			rows[i].Destinations = sum.sorted()
		}
	}
}
