package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// table is a bounded set of rows. When it is full, the idle ones that have been quiet longest
// are merged into other; if none is idle, new keys count for other.
type table[K comparable] struct {
	rows        map[K]*row
	other       *row // nil until it is needed
	limit       int
	withHistory bool       // its rows keep one
	made        uint64     // rows so far
	retry       event.Time // when it is full: not before then is it searched for idle rows again
}

func newTable[K comparable](limit int, withHistory bool) *table[K] {
	return &table[K]{rows: map[K]*row{}, limit: limit, withHistory: withHistory}
}

func (t *table[K]) row(key K, at event.Time) *row {
	if r, ok := t.rows[key]; ok {
		return r
	}
	if len(t.rows) >= t.limit && !t.evict(at) {
		return t.other
	}
	t.made++
	r := newRow(t.withHistory)
	r.number = t.made
	t.rows[key] = r
	return r
}

// holds reports whether r is the row of one key, and so valid until it is evicted.
func (t *table[K]) holds(r *row) bool { return r != nil && r.mergedInto == nil && r != t.other }

// evict makes room for an eighth of the table, so that it is seldom called. It returns false
// if no row may go.
func (t *table[K]) evict(at event.Time) bool {
	if at < t.retry {
		return false
	}
	type candidate struct {
		key K
		row *row
	}
	var idle []candidate
	for key, r := range t.rows {
		if r.idle() {
			idle = append(idle, candidate{key, r})
		}
	}
	slices.SortFunc(idle, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.row.last, b.row.last), cmp.Compare(a.row.number, b.row.number))
	})
	if t.other == nil {
		t.other = newRow(t.withHistory)
	}
	wanted := max(t.limit/8, 1)
	if len(idle) < wanted {
		// The whole table was searched for little or nothing: not again for each event.
		t.retry = at.Add(time.Second)
	}
	for _, c := range idle[:min(len(idle), wanted)] {
		t.other.merge(c.row)
		*c.row = row{mergedInto: t.other}
		delete(t.rows, c.key)
	}
	return len(idle) > 0
}
