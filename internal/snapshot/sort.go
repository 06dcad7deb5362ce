package snapshot

import (
	"cmp"
	"slices"
	"strings"
)

// Column is one thing rows can be ordered by.
type Column[T any] struct {
	Name string
	// Compare orders two rows so that what matters most comes first: the greater
	// count, the first letter. It is total, with the identity of the row as its
	// last word, so that rows that are equal do not change places on a screen.
	Compare func(a, b *T) int
}

// Sort returns rows in the order of the column; the input stays as it is.
func Sort[T any](rows []T, by Column[T], reverse bool) []T {
	// Rows are large: their pointers are sorted, and each is copied once.
	order := make([]*T, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortFunc(order, func(a, b *T) int {
		if reverse {
			a, b = b, a
		}
		return by.Compare(a, b)
	})
	sorted := make([]T, len(rows))
	for i, row := range order {
		sorted[i] = *row
	}
	return sorted
}

// Filter returns the rows of which one text contains words, all of them, in any case.
func Filter[T any](rows []T, words string, text func(*T) string) []T {
	wanted := strings.Fields(strings.ToLower(words))
	if len(wanted) == 0 {
		return rows
	}
	var kept []T
	for i := range rows {
		have := strings.ToLower(text(&rows[i]))
		if !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(have, w) }) {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

// descending puts the greater value first, which is what one looks for.
func descending[T any, V cmp.Ordered](value func(*T) V) func(a, b *T) int {
	return func(a, b *T) int { return cmp.Compare(value(b), value(a)) }
}

func ascending[T any, V cmp.Ordered](value func(*T) V) func(a, b *T) int {
	return func(a, b *T) int { return cmp.Compare(value(a), value(b)) }
}

// then asks second where first sees no difference.
func then[T any](first, second func(a, b *T) int) func(a, b *T) int {
	return func(a, b *T) int {
		if order := first(a, b); order != 0 {
			return order
		}
		return second(a, b)
	}
}
