package aggregate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// table is a bounded set of rows. When it is full, the lightest eighth goes, so that a storm
// of new keys does not displace what is counted often: see row.weight. A new row begins with
// the weight of the heaviest that went before, by which a key that had no luck at first can
// catch up, and what was heavy long ago goes in the end. The algorithm is Space-Saving
// (Metwally, Agrawal, El Abbadi, 2005) in batches: of N occurrences, a key with more than
// N/(7/8 limit) keeps its row.
//
// A row with open sockets goes only for a key that is heavier by then. Until then, and
// once they are evicted, keys count for a row that they share.
type table[K comparable] struct {
	rows        map[K]*row
	other       *row // the shared row if there is no overflow; nil until it is needed
	limit       int
	withHistory bool // its rows keep one
	// overflow returns the row that counts for a key without one. had is the row that the
	// key loses, nil if it has none.
	overflow func(key K, had *row) *row

	shown    int    // rows in the last snapshot
	made     uint64 // rows so far
	shares   bool   // some key was counted for a shared row
	floor    uint64 // the weight of the heaviest row that was evicted
	waiting  map[K]uint64
	retry    event.Time // when too few rows were evicted: when to search again
	lightest uint64     // and what a key must weigh to have a row before that
}

func newTable[K comparable](limit int, withHistory bool) *table[K] {
	return &table[K]{rows: map[K]*row{}, limit: limit, withHistory: withHistory}
}

// row returns the row that the event counts for.
func (t *table[K]) row(key K, e *event.Event) *row {
	if r, ok := t.rows[key]; ok {
		return r
	}
	if t.shares && endsConnection(e) {
		if r := t.share(key, nil); r.Live() > 0 {
			return r // its open was counted there
		}
	}
	return t.create(key, e.Time, occurrences(e))
}

// create returns a row for a key that has none and for which n occurrences count.
func (t *table[K]) create(key K, at event.Time, n uint64) *row {
	credit := t.floor
	if len(t.rows) >= t.limit {
		waited, ok := t.makeRoom(key, at, n)
		if !ok {
			return t.share(key, nil)
		}
		credit = max(t.floor, waited)
	}
	t.made++
	r := newRow(t.withHistory)
	r.credit, r.number = credit, t.made
	t.rows[key] = r
	return r
}

// share returns the row that counts for keys that have none of their own.
func (t *table[K]) share(key K, had *row) *row {
	t.shares = true
	if t.overflow != nil {
		return t.overflow(key, had)
	}
	if t.other == nil {
		t.other = newRow(t.withHistory)
		t.other.shared = true
	}
	return t.other
}

// holds reports whether r is the row of one key, and so valid until it is evicted.
func (t *table[K]) holds(r *row) bool { return r != nil && r.mergedInto == nil && !r.shared }

// makeRoom evicts rows for a key that has none. It returns how much was counted for the key
// while it waited.
func (t *table[K]) makeRoom(key K, at event.Time, n uint64) (waited uint64, ok bool) {
	waited = t.wait(key, n)
	if at < t.retry && waited <= t.lightest {
		return waited, false // the table was searched for little or nothing: not again for each event
	}
	if !t.evict(at, waited) {
		return waited, false
	}
	delete(t.waiting, key)
	return waited, true
}

// wait counts the occurrences of a key for which there may be no room.
func (t *table[K]) wait(key K, n uint64) uint64 {
	if t.waiting == nil || len(t.waiting) >= t.batch() && t.waiting[key] == 0 {
		t.waiting = map[K]uint64{}
	}
	t.waiting[key] += n
	return t.waiting[key]
}

// batch is how many rows go at once, so that the search is seldom.
func (t *table[K]) batch() int { return max(t.limit/8, 1) }

type candidate[K comparable] struct {
	key    K
	row    *row
	weight uint64
}

// compareCandidates puts first what is to go first. The order is total, as that of everything
// that is evicted: the same stream always gives up the same rows.
func compareCandidates[K comparable](a, b candidate[K]) int {
	return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.row.last, b.row.last), cmp.Compare(a.row.number, b.row.number))
}

// evict makes room for a key with a weight. It returns false if no row may go.
func (t *table[K]) evict(at event.Time, weight uint64) bool {
	all := make([]candidate[K], 0, len(t.rows))
	for key, r := range t.rows {
		all = append(all, candidate[K]{key, r, r.weight()})
	}
	batch := min(t.batch(), len(all))
	slices.SortFunc(all, compareCandidates)
	evicted, stays := 0, uint64(math.MaxUint64)
	for i := range all[:batch] {
		c := &all[i]
		if !c.row.idle() && c.weight >= weight {
			stays = min(stays, c.weight)
			continue
		}
		t.give(c)
		evicted++
	}
	if evicted < batch {
		t.retry, t.lightest = at.Add(time.Second), stays
	}
	return evicted > 0
}

// give takes the row of a key away for another; what it has counted stays in the shared row.
func (t *table[K]) give(c *candidate[K]) {
	if c.row.idle() {
		t.floor = max(t.floor, c.weight)
	}
	t.remove(c.key, c.row)
}

// remove takes a row out of the table; what it has counted stays in the shared row.
func (t *table[K]) remove(key K, r *row) {
	delete(t.rows, key)
	to := t.share(key, r)
	to.merge(r)
	*r = row{mergedInto: to}
}

// drop removes all rows with such a key.
func (t *table[K]) drop(which func(K) bool) {
	for key, r := range t.rows {
		if which(key) {
			t.remove(key, r)
		}
	}
}

// rename gives the rows whose key changes their new one.
func (t *table[K]) rename(change func(K) (K, bool)) {
	var moved []K
	for key := range t.rows {
		if _, is := change(key); is {
			moved = append(moved, key)
		}
	}
	for _, key := range moved {
		to, _ := change(key)
		t.rows[to] = t.rows[key]
		delete(t.rows, key)
	}
}

// occurrences returns for how much an event counts in the weight of a row.
func occurrences(e *event.Event) uint64 {
	if f, ok := e.Fact.(*event.Fold); ok {
		return max(f.Opens+f.ClosesIn+f.Binds, 1)
	}
	return max(e.Count, 1)
}

// endsConnection reports whether the event ends more outgoing connections than it begins.
func endsConnection(e *event.Event) bool {
	if f, ok := e.Fact.(*event.Fold); ok {
		return f.ClosesOut > f.Opens
	}
	ends := e.Kind == event.Close || e.Kind == event.SocketGone || e.Kind == event.ConnectFail && e.Flags.Has(event.HadPort)
	return ends && e.Direction == event.Out
}
