package snapshot

import (
	"cmp"
	"slices"
	"strings"
)

// Column is one thing rows can be ordered by.
type Column[T any] struct {
	Name string
	// Less orders two rows so that what matters most comes first.
	Compare func(a, b *T) int
}

// Sort returns rows in the order of the column; the input stays as it is. Rows
// that are equal keep their order.
func Sort[T any](rows []T, by Column[T], reverse bool) []T {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b T) int {
		order := by.Compare(&a, &b)
		if reverse {
			return -order
		}
		return order
	})
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
