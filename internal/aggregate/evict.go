package aggregate

// lightest moves the n least of all to the front, in no order. It takes time in proportion
// to all (Hoare's selection): no full table has to be sorted to give up a few of its rows.
// The order must be total, so that the same stream always gives up the same rows.
func lightest[T any](all []T, n int, compare func(a, b *T) int) {
	low, high := 0, len(all)-1
	for low < high {
		i, j := partition(all, low, high, compare)
		switch {
		case n-1 <= j:
			high = j
		case n-1 >= i:
			low = i
		default:
			return
		}
	}
}

// partition puts what is not more than some middle element before what is not less, and
// returns where the two parts begin and end.
func partition[T any](all []T, low, high int, compare func(a, b *T) int) (i, j int) {
	pivot := all[low+(high-low)/2]
	for i, j = low, high; i <= j; {
		for compare(&all[i], &pivot) < 0 {
			i++
		}
		for compare(&pivot, &all[j]) < 0 {
			j--
		}
		if i <= j {
			all[i], all[j] = all[j], all[i]
			i++
			j--
		}
	}
	return i, j
}
