package aggregate

import (
	"math/bits"
	"slices"
)

// least moves the n elements that come first in the order to the front of the list, sorted, and
// returns them. It takes time in proportion to the list, and n log n: a full table gives up a small
// part of its rows, of which alone the order matters.
func least[E any](list []E, n int, compare func(a, b E) int) []E {
	split(list, n, compare)
	slices.SortFunc(list[:n], compare)
	return list[:n]
}

// nth returns the element that has n others before it in the order. It changes the list's.
func nth[E any](list []E, n int, compare func(a, b E) int) E {
	split(list, n+1, compare)
	return slices.MaxFunc(list[:n+1], compare)
}

// split moves the n elements that come first in the order to the front of the list.
func split[E any](list []E, n int, compare func(a, b E) int) {
	from, to := 0, len(list)
	for tries := 2 * bits.Len(uint(len(list))); to-from > 1 && from < n && n < to; tries-- {
		if tries == 0 { // pivots without luck must not make it quadratic
			slices.SortFunc(list[from:to], compare)
			break
		}
		switch place := from + partition(list[from:to], compare); {
		case place < n:
			from = place + 1
		default:
			to = place
		}
	}
}

// partition puts what comes before one element in front of it, what comes after it behind it, and
// returns its place.
func partition[E any](list []E, compare func(a, b E) int) int {
	last := len(list) - 1
	pivot := median(list, compare)
	list[pivot], list[last] = list[last], list[pivot]
	place := 0
	for i := range list[:last] {
		if compare(list[i], list[last]) < 0 {
			list[i], list[place] = list[place], list[i]
			place++
		}
	}
	list[place], list[last] = list[last], list[place]
	return place
}

// median returns which of the first, the middle and the last element is between the others.
func median[E any](list []E, compare func(a, b E) int) int {
	a, b, c := 0, len(list)/2, len(list)-1
	if compare(list[a], list[b]) > 0 {
		a, b = b, a
	}
	switch {
	case compare(list[c], list[a]) < 0:
		return a
	case compare(list[c], list[b]) < 0:
		return c
	}
	return b
}
