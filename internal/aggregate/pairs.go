package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxPairsShown is how many destinations a process's row lists, and vice versa.
const maxPairsShown = 50

// addPairs hangs each pair under its process and its destination, most opens first. Those must
// have their places.
func (s *State) addPairs(snap *snapshot.Snapshot, b *backlog) {
	pairs, entries := snapshotRows(s.pairs, byOpens(snapshot.PairColumns()), func(key pairKey, r *row) snapshot.Pair {
		return s.pair(key, r, b.pairs[key])
	})
	snap.Pairs = pairs
	processes, dests := newPairLists(len(snap.Processes)), newPairLists(len(snap.Destinations))
	for i, e := range entries {
		processes.note(i, placeOf(s.processes, e.key.proc, e.row.proc))
		dests.note(i, placeOf(s.dests, e.key.dest, e.row.dest))
	}
	processes.fill(pairs, func(i int, list []snapshot.Pair) { snap.Processes[i].Destinations = list })
	dests.fill(pairs, func(i int, list []snapshot.Pair) { snap.Destinations[i].Processes = list })
}

// placeOf returns the place of a key's row in the snapshot, 0 if it has none. known is the row if
// it still is.
func placeOf[K comparable](t *table[K], key K, known *row) int {
	if t.holds(known) {
		return known.place
	}
	if r := t.rows[key]; r != nil {
		return r.place
	}
	return 0
}

// pairLists are the pairs of each row of a kind.
type pairLists struct {
	counts []int32 // by row
	rows   []int32 // of each pair that is listed
	pairs  []int32 // the same: which pair
}

func newPairLists(rows int) *pairLists { return &pairLists{counts: make([]int32, rows)} }

// note lists a pair under the row at a place, if that has room.
func (l *pairLists) note(pair, place int) {
	if place == 0 || l.counts[place-1] == maxPairsShown {
		return
	}
	l.counts[place-1]++
	l.rows, l.pairs = append(l.rows, int32(place-1)), append(l.pairs, int32(pair))
}

// fill gives each row its list. All of them are in one piece of memory, but for the lists of one
// pair: most destinations have one process.
func (l *pairLists) fill(pairs []snapshot.Pair, give func(row int, list []snapshot.Pair)) {
	ends, end := make([]int32, len(l.counts)), int32(0)
	for row, n := range l.counts {
		if n > 1 {
			end += n
		}
		ends[row] = end
	}
	all := make([]snapshot.Pair, end)
	for i, row := range slices.Backward(l.rows) {
		pair := l.pairs[i]
		if l.counts[row] == 1 {
			give(int(row), pairs[pair:pair+1:pair+1])
			continue
		}
		ends[row]--
		all[ends[row]] = pairs[pair]
	}
	for row, n := range l.counts {
		if begin := ends[row]; n > 1 {
			give(row, all[begin:begin+n:begin+n])
		}
	}
}

func (s *State) pair(key pairKey, r *row, g gauges) snapshot.Pair {
	name, gone := s.netnsOf(key.dest)
	owner := s.whois(key.proc)
	return snapshot.Pair{
		Proc:      key.proc,
		Comm:      owner.Comm,
		Exe:       owner.Exe,
		Script:    owner.Script,
		Netns:     key.dest.netns,
		NetnsName: name,
		NetnsGone: gone,
		Proto:     key.dest.proto,
		Remote:    key.dest.remote,
		Totals:    totals(r, g),
		Lifetimes: r.lifetimes.Share(),
	}
}
