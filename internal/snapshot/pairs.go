package snapshot

import "github.com/porttrace/porttrace/internal/event"

// pairSum adds up the pairs of several processes by destination.
type pairSum struct {
	index map[pairKey]int
	pairs []Pair
}

type pairKey struct {
	netns  uint32
	gone   bool
	proto  event.Proto
	remote event.Endpoint
}

func newPairSum() *pairSum { return &pairSum{index: map[pairKey]int{}} }

func (s *pairSum) add(p *Pair) {
	key := pairKey{p.Netns, p.NetnsGone, p.Proto, p.Remote}
	at, ok := s.index[key]
	if !ok {
		at = len(s.pairs)
		s.index[key] = at
		s.pairs = append(s.pairs, Pair{Netns: p.Netns, NetnsName: p.NetnsName, NetnsGone: p.NetnsGone, Proto: p.Proto, Remote: p.Remote})
	}
	s.pairs[at].add(&p.Totals)
	s.pairs[at].Lifetimes.Merge(&p.Lifetimes)
}

// sorted returns the pairs, most opens first, bounded.
func (s *pairSum) sorted() []Pair {
	for i := range s.pairs {
		p := &s.pairs[i]
		p.LifetimeP50, p.LifetimeP99 = p.Lifetimes.Quantile(0.5), p.Lifetimes.Quantile(0.99)
		p.Lifetimes = Lifetimes{}
	}
	byOpens, _ := ColumnNamed(PairColumns(), "opens")
	sorted := Sort(s.pairs, byOpens, false)
	return sorted[:min(len(sorted), maxGroupDestinations)]
}
