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
	sortTogether(rows, entries, by)
	for i, e := range entries {
		e.row.place = i + 1
	}
	t.shown = len(entries)
	return rows, entries
}

// sortTogether sorts the rows, and the entries as the rows, in their place: rows are large, and each is
// copied once, or not at all if they are in order.
func sortTogether[K comparable, T any](rows []T, entries []entry[K], by snapshot.Column[T]) {
	order := make([]int32, len(rows))
	sorted := true
	for i := range order {
		order[i] = int32(i)
		sorted = sorted && (i == 0 || by.Compare(&rows[i-1], &rows[i]) <= 0)
	}
	if sorted {
		return
	}
	slices.SortFunc(order, func(a, b int32) int { return by.Compare(&rows[a], &rows[b]) })
	for i := range order {
		moveCycle(rows, entries, order, i)
	}
}

// moveCycle puts what belongs at a place there, what belongs where that was there, and so on. order has
// from where each place gets its row, itself once it has it.
func moveCycle[K comparable, T any](rows []T, entries []entry[K], order []int32, begin int) {
	if int(order[begin]) == begin {
		return
	}
	row, key := rows[begin], entries[begin]
	to := begin
	for from := int(order[to]); from != begin; from = int(order[to]) {
		rows[to], entries[to] = rows[from], entries[from]
		order[to], to = int32(to), from
	}
	rows[to], entries[to], order[to] = row, key, int32(to)
}
