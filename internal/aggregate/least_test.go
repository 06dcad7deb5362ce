package aggregate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLeast holds the selection to a sort, of lists in every order.
func TestLeast(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	for name, value := range map[string]func(i int) int{
		"random": func(int) int { return random.IntN(1000) },
		"rising": func(i int) int { return i },
		"falls":  func(i int) int { return -i },
		"equal":  func(int) int { return 1 },
		"organ":  func(i int) int { return min(i, 500-i) },
	} {
		for _, size := range []int{0, 1, 2, 3, 17, 500} {
			list := make([]int, size)
			for i := range list {
				list[i] = value(i)
			}
			sorted := slices.Sorted(slices.Values(list))
			for n := 0; n <= size; n += 1 + n/2 {
				given := slices.Clone(list)
				if got := least(given, n, cmp.Compare[int]); !slices.Equal(got, sorted[:n]) {
					t.Errorf("%s: the least %d of %d are %v, want %v", name, n, size, got, sorted[:n])
				}
				slices.Sort(given)
				if !slices.Equal(given, sorted) {
					t.Errorf("%s: elements of %d are lost", name, size)
				}
			}
		}
	}
}

// TestLeastIsNotQuadratic counts the comparisons of a large list in the orders that are hard for
// a selection with a fixed choice of pivot.
func TestLeastIsNotQuadratic(t *testing.T) {
	t.Parallel()
	const size = 1 << 15
	for name, value := range map[string]func(i int) int{
		"equal": func(int) int { return 1 },
		"organ": func(i int) int { return min(i, size-i) },
		"comb":  func(i int) int { return i % 2 * i },
	} {
		list := make([]int, size)
		for i := range list {
			list[i] = value(i)
		}
		compared := 0
		least(list, size/8, func(a, b int) int { compared++; return cmp.Compare(a, b) })
		if compared > 60*size {
			t.Errorf("%s: %d comparisons of %d elements", name, compared, size)
		}
	}
}
