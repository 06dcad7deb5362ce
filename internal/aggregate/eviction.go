package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// rank is where a row stands in the order in which rows go. The order is total, as that of
// everything that is evicted: the same stream always gives up the same rows.
type rank struct {
	weight uint64
	last   event.Time
	number uint64
}

func rankOf(r *row) rank { return rank{r.weight(), r.last, r.number} }

func compareRanks(a, b rank) int {
	switch {
	case a.weight != b.weight:
		return cmp.Compare(a.weight, b.weight)
	case a.last != b.last:
		return cmp.Compare(a.last, b.last)
	}
	return cmp.Compare(a.number, b.number)
}

type candidate[K comparable] struct {
	rank
	key K
	row *row
}

// going is which rows of a full table go next, in order. To find them takes a pass over all rows,
// so one pass finds half of them. What has become heavier since stays.
type going[K comparable] struct {
	idle, open []candidate[K] // open: with sockets
	found      int            // how many were idle
	made       uint64         // how many rows had been made when they were found
	floor      uint64         // what a row weighs at least that was made since
	retry      event.Time     // when to search again if little may go
}

// batch is so few rows that it does not matter which of them goes first, and as many as a pass over
// all of them must be for.
func (t *table[K]) batch() int { return max(t.limit/8, 1) }

// makeRoom evicts a row for a key with a weight. It returns false if no row may go.
func (t *table[K]) makeRoom(at event.Time, weight uint64) bool {
	if t.giveNext(weight) {
		return true
	}
	if at < t.going.retry && !t.isUsedUp() {
		return false // the search has found little or nothing: not again for each event
	}
	t.search()
	t.going.retry = at.Add(time.Second)
	return t.giveNext(weight)
}

// isUsedUp reports whether enough has changed since the search.
func (t *table[K]) isUsedUp() bool {
	return t.isOutdated() || len(t.going.idle) == 0 && t.going.found >= t.batch()
}

// isOutdated reports whether the rows made since the search are more than a few, so that they must
// be among those that may go.
func (t *table[K]) isOutdated() bool { return t.made-t.going.made >= uint64(t.batch()) }

// search finds the lighter half of the rows.
func (t *table[K]) search() {
	t.settle(nil)
	all := make([]candidate[K], 0, len(t.rows))
	ranks := make([]rank, 0, len(t.rows))
	for key, r := range t.rows {
		p := rankOf(r)
		all, ranks = append(all, candidate[K]{p, key, r}), append(ranks, p)
	}
	last := nth(ranks, (len(ranks)-1)/2, compareRanks)
	t.going = going[K]{made: t.made, floor: t.floor + 1}
	for i := range all {
		switch c := &all[i]; {
		case compareRanks(c.rank, last) > 0:
		case c.row.idle():
			t.going.idle = append(t.going.idle, *c)
		default:
			t.going.open = append(t.going.open, *c)
		}
	}
	order := func(a, b candidate[K]) int { return compareRanks(a.rank, b.rank) }
	t.going.found = len(t.going.idle)
	slices.SortFunc(t.going.idle, order)
	slices.SortFunc(t.going.open, order)
}

// giveNext gives up the row that is next, if one may go for a key with a weight.
func (t *table[K]) giveNext(weight uint64) bool {
	g := &t.going
	g.idle, g.open = t.stillGoing(g.idle), t.stillGoing(g.open)
	next := &g.idle
	if len(g.open) > 0 && (len(g.idle) == 0 || compareRanks(g.open[0].rank, g.idle[0].rank) < 0) &&
		(g.open[0].weight < weight || g.open[0].row.idle()) {
		next = &g.open
	}
	if len(*next) == 0 || (*next)[0].weight > g.floor && t.isOutdated() {
		return false
	}
	t.give(&(*next)[0])
	(*next)[0] = candidate[K]{} // its row is garbage
	*next = (*next)[1:]
	return true
}

// stillGoing leaves out the first ones if they are gone or heavier by now.
func (t *table[K]) stillGoing(list []candidate[K]) []candidate[K] {
	for len(list) > 0 {
		c := &list[0]
		t.settle(c.row)
		if c.row.mergedInto == nil && c.row.weight() <= c.weight {
			break
		}
		*c = candidate[K]{}
		list = list[1:]
	}
	return list
}

// give takes the row of a key away for another; what it has counted stays in the shared row.
func (t *table[K]) give(c *candidate[K]) {
	if c.row.idle() {
		t.floor = max(t.floor, c.row.weight())
	}
	t.remove(c.key, c.row)
}
