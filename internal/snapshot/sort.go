package snapshot

import (
	"cmp"
	"slices"
)

// Column is an order of rows.
type Column[T any] struct {
	Name string
	// Compare puts the most important row first: the greater count, the first letter. It
	// is a total order, at last by the identity of the rows, so that equal rows do not
	// change places on a screen.
	Compare func(a, b *T) int
}

// Sort returns the rows in the order of the column; the input is unchanged.
func Sort[T any](rows []T, by Column[T], reverse bool) []T {
	// Rows are large: their pointers are sorted, and each is copied once.
	order := make([]*T, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	SortPointers(order, by, reverse)
	sorted := make([]T, len(rows))
	for i, row := range order {
		sorted[i] = *row
	}
	return sorted
}

// SortPointers puts rows into the order of the column.
func SortPointers[T any](rows []*T, by Column[T], reverse bool) {
	slices.SortFunc(rows, func(a, b *T) int {
		if reverse {
			a, b = b, a
		}
		return by.Compare(a, b)
	})
}

// descending puts the greater value first.
func descending[T any, V cmp.Ordered](value func(*T) V) func(a, b *T) int {
	return func(a, b *T) int { return cmp.Compare(value(b), value(a)) }
}

func ascending[T any, V cmp.Ordered](value func(*T) V) func(a, b *T) int {
	return func(a, b *T) int { return cmp.Compare(value(a), value(b)) }
}

// then uses second if first finds no difference.
func then[T any](first, second func(a, b *T) int) func(a, b *T) int {
	return func(a, b *T) int {
		if order := first(a, b); order != 0 {
			return order
		}
		return second(a, b)
	}
}
