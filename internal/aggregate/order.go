package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// entry is a row and its key.
type entry[K comparable] struct {
	key K
	row *row
}

// inOrder returns the rows in the order of the last snapshot, those that are new after them: the
// order of the next one is nearly the same.
func inOrder[K comparable](t *table[K]) []entry[K] {
	entries := make([]entry[K], t.shown, max(t.shown, len(t.rows)))
	for key, r := range t.rows {
		if at := r.place - 1; at >= 0 && at < t.shown && entries[at].row == nil {
			entries[at] = entry[K]{key, r}
		} else {
			entries = append(entries, entry[K]{key, r})
		}
	}
	return slices.DeleteFunc(entries, func(e entry[K]) bool { return e.row == nil })
}

// snapshotRows returns the rows of a table as a snapshot has them, made by a function, and in the
// order of a column. From then on each row knows its place.
func snapshotRows[K comparable, T any](t *table[K], by snapshot.Column[T], makeRow func(K, *row) T) ([]T, []entry[K]) {
	entries := inOrder(t)
	rows := make([]T, len(entries))
	for i, e := range entries {
		rows[i] = makeRow(e.key, e.row)
	}
	rows, entries = sortTogether(rows, entries, by)
	for i, e := range entries {
		e.row.place = i + 1
	}
	t.shown = len(entries)
	return rows, entries
}

// sortTogether sorts the rows, and the entries as the rows. Rows are large: each is copied once, or
// not at all if they are in order.
func sortTogether[K comparable, T any](rows []T, entries []entry[K], by snapshot.Column[T]) ([]T, []entry[K]) {
	order := make([]int32, len(rows))
	sorted := true
	for i := range order {
		order[i] = int32(i)
		sorted = sorted && (i == 0 || by.Compare(&rows[i-1], &rows[i]) <= 0)
	}
	if sorted {
		return rows, entries
	}
	slices.SortFunc(order, func(a, b int32) int { return by.Compare(&rows[a], &rows[b]) })
	moved, keys := make([]T, len(rows)), make([]entry[K], len(rows))
	for to, from := range order {
		moved[to], keys[to] = rows[from], entries[from]
	}
	return moved, keys
}
