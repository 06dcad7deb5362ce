package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
)

// table is a bounded set of rows. When it is full, the lightest goes, so that a storm of new
// keys does not displace what is counted often: see row.weight. A new row begins with the
// weight of the heaviest that went before, by which a key that had no luck at first can catch
// up, and what was heavy long ago goes in the end. The algorithm is Space-Saving (Metwally,
// Agrawal, El Abbadi, 2005), with the lightest found for many evictions at once (see going): of
// N occurrences, a key with more than N/(7/8 limit) keeps its row.
//
// A row with open sockets goes only for a key that is heavier by then. Until then, and
// once they are evicted, keys count for a row that they share.
type table[K comparable] struct {
	rows        map[K]*row
	last        *row // that was asked for, mostly the next one, too; nil, or held no more: look it up
	lastKey     K
	other       *row // the shared row if there is no overflow; nil until it is needed
	limit       int
	withHistory bool // its rows keep one
	// overflow returns the row that counts for a key without one. had is the row that the
	// key loses, nil if it has none.
	overflow func(key K, had *row) *row
	settle   func(*row) // has a row count what is pending, nil: all rows. Before it is weighed, or goes

	shown   int    // rows in the last snapshot
	made    uint64 // rows so far
	shares  bool   // some key was counted for a shared row
	floor   uint64 // the weight of the heaviest row that was evicted
	waiting map[K]uint64
	going   going[K]
}

func newTable[K comparable](limit int, withHistory bool) *table[K] {
	return &table[K]{rows: map[K]*row{}, limit: limit, withHistory: withHistory, settle: func(*row) {}}
}

// row returns the row that the event counts for.
func (t *table[K]) row(key K, e *event.Event) *row {
	if r := t.known(key); r != nil {
		return r
	}
	if t.shares && endsConnection(e) {
		if r := t.share(key, nil); r.Live() > 0 {
			return r // its open was counted there
		}
	}
	return t.create(key, e.Time, occurrences(e))
}

// known returns the row of a key, nil if it has none.
func (t *table[K]) known(key K) *row {
	if t.lastKey == key && t.holds(t.last) {
		return t.last
	}
	r := t.rows[key]
	t.last, t.lastKey = r, key
	return r
}

// create returns a row for a key that has none and for which n occurrences count.
func (t *table[K]) create(key K, at event.Time, n uint64) *row {
	credit := t.floor
	if len(t.rows) >= t.limit {
		waited := t.waiting[key] + n
		if !t.makeRoom(at, waited) {
			t.wait(key, waited)
			return t.share(key, nil)
		}
		delete(t.waiting, key)
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

// wait counts the occurrences of a key that has no row although there is none to give up.
func (t *table[K]) wait(key K, waited uint64) {
	if t.waiting == nil || len(t.waiting) >= t.batch() && t.waiting[key] == 0 {
		t.waiting = map[K]uint64{}
	}
	t.waiting[key] = waited
}

// remove takes a row out of the table; what it has counted stays in the shared row.
func (t *table[K]) remove(key K, r *row) {
	t.settle(r)
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
	t.going, t.last = going[K]{}, nil // they have keys
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
