package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// past is what is counted of processes without a row of their own. It is kept by what
// groups have in common, so that a shell loop that starts 100,000 programs is one group
// that counts them all.
type past struct {
	processes *table[snapshot.Identity]
	pairs     *table[pastPair]
}

type pastPair struct {
	group snapshot.Identity
	dest  destKey
}

func newPast(share bounds.Share) past {
	return past{newTable[snapshot.Identity](share.Of(maxPast), true), newTable[pastPair](share.Of(maxPastPairs), false)}
}

// pastProcess is the overflow of the table of processes.
func (s *State) pastProcess(id event.ProcID, had *row) *row {
	info := s.world.Process(id)
	if had != nil && had.info != nil {
		info = had.info
	}
	r := s.pastGroup(snapshot.IdentityOf(info))
	if had != nil {
		r.evicted++
	}
	return r
}

// pastGroup counts by parent as long as there is much room: programs that each have a parent of
// their own must not displace one another.
func (s *State) pastGroup(group snapshot.Identity) *row {
	r := s.past.processes.rows[group]
	if r == nil && len(s.past.processes.rows) >= s.past.processes.limit/2 {
		group = group.Coarse()
		r = s.past.processes.rows[group]
	}
	if r == nil {
		r = s.past.processes.create(group, s.now, 1)
	}
	if r.group == nil && r != s.past.processes.other {
		r.group = &group
	}
	r.shared = true
	return r
}

// pastPair is the overflow of the table of pairs.
func (s *State) pastPair(key pairKey, had *row) *row {
	group := snapshot.IdentityOf(s.whois(key.proc))
	if had != nil {
		group = s.groupOfPair(key, had)
	}
	pair := pastPair{group, key.dest}
	r := s.past.pairs.rows[pair]
	if r == nil {
		r = s.past.pairs.create(pair, s.now, 1)
	}
	r.shared = true
	return r
}

// empty reports whether every process has its row.
func (p *past) empty() bool { return len(p.processes.rows) == 0 && p.processes.other == nil }

// sum returns one row of all processes without their own.
func (p *past) sum() *row {
	sum := newRow(true)
	for _, r := range p.processes.rows {
		sum.merge(r)
	}
	if p.processes.other != nil {
		sum.merge(p.processes.other)
	}
	return sum
}

// pastBacklog returns the sockets of processes without a row.
func (s *State) pastBacklog(b *backlog) map[snapshot.Identity]gauges {
	groups := map[snapshot.Identity]gauges{}
	for id, w := range b.processes {
		if s.processes.rows[id] == nil {
			group := snapshot.IdentityOf(s.world.Process(id))
			groups[group] = groups[group].plus(w)
		}
	}
	return groups
}

// addPast adds what groups are made from besides the rows of processes.
func (s *State) addPast(snap *snapshot.Snapshot, b *backlog) {
	held := s.pastBacklog(b)
	for group, r := range s.past.processes.rows {
		snap.Past = append(snap.Past, s.pastRow(group, r, held[group]))
		delete(held, group)
	}
	if r := s.past.processes.other; r != nil {
		snap.Past = append(snap.Past, s.pastRow(snapshot.Identity{Others: true}, r, sumOf(held)))
		clear(held)
	}
	for group, g := range held {
		snap.Past = append(snap.Past, s.pastRow(group, newRow(true), g))
	}
	slices.SortFunc(snap.Past, func(a, b snapshot.Past) int { return a.Compare(b.Identity) })
	snap.PastPairs = s.pastPairs(b)
}

func sumOf[K comparable](all map[K]gauges) (sum gauges) {
	for _, g := range all {
		sum = sum.plus(g)
	}
	return sum
}

func (s *State) pastRow(group snapshot.Identity, r *row, g gauges) snapshot.Past {
	return snapshot.Past{Identity: group, Count: r.evicted, Process: s.processRow(event.Process{}, r, g)}
}

// pastPairs returns the connections of processes without a row, by group and destination.
func (s *State) pastPairs(b *backlog) []snapshot.PastPair {
	var pairs []snapshot.PastPair
	for key, r := range s.past.pairs.rows {
		pairs = append(pairs, snapshot.PastPair{Identity: key.group, Pair: s.pair(pairKey{dest: key.dest}, r, b.past.pairs[key])})
	}
	if r := s.past.pairs.other; r != nil {
		pairs = append(pairs, snapshot.PastPair{Identity: snapshot.Identity{Others: true}, Pair: s.pair(pairKey{}, r, b.past.rest)})
	}
	for key, r := range s.pairs.rows {
		if s.processes.rows[key.proc] == nil {
			pairs = append(pairs, snapshot.PastPair{Identity: s.groupOfPair(key, r), Pair: s.pair(key, r, b.pairs[key])})
		}
	}
	return snapshot.Sort(pairs, byIdentity, false)
}

// groupOfPair returns the group of a pair's process, which may be known by its row alone.
func (s *State) groupOfPair(key pairKey, r *row) snapshot.Identity {
	if owner := r.proc.current(); owner != nil && owner.group != nil {
		return *owner.group
	}
	return snapshot.IdentityOf(s.whois(key.proc))
}

var comparePairs = byOpens(snapshot.PairColumns()).Compare

var byIdentity = snapshot.Column[snapshot.PastPair]{Compare: func(a, b *snapshot.PastPair) int {
	return cmp.Or(a.Compare(b.Identity), comparePairs(&a.Pair, &b.Pair))
}}
