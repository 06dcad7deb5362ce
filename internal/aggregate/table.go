package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// table is a bounded set of rows. When it is full, rows that hold no socket and have
// been quiet longest are summed up in other; where all hold sockets, new keys are.
type table[K comparable] struct {
	rows  map[K]*row
	other *row // nil until it is needed
	limit int
}

func newTable[K comparable](limit int) *table[K] {
	return &table[K]{rows: map[K]*row{}, limit: limit}
}

func (t *table[K]) row(key K, at event.Time) *row {
	if r, ok := t.rows[key]; ok {
		return r
	}
	if len(t.rows) >= t.limit && !t.evict() {
		return t.other
	}
	r := &row{first: at, last: at}
	t.rows[key] = r
	return r
}

// evict makes room for an eighth of the table, so that it is seldom called. False
// where nothing may go.
func (t *table[K]) evict() bool {
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
	slices.SortFunc(idle, func(a, b candidate) int { return cmp.Compare(a.row.last, b.row.last) })
	if t.other == nil {
		t.other = &row{}
	}
	for _, c := range idle[:min(len(idle), t.limit/8)] {
		t.other.merge(c.row)
		delete(t.rows, c.key)
	}
	return len(idle) > 0
}
