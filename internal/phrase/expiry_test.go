package phrase

import "testing"

func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expiries []int
		want     string
	}{
		{nil, ""},
		{[]int{0, 0}, ""},
		{[]int{7}, "come free: all within 1 s"},
		{[]int{0, 0, 1}, "come free: all within 3 s"},
		{[]int{0, 1, 0, 1}, "come free: first in 2 s, all within 4 s"},
		{[]int{1, 9, 0, 1}, "come free: first in 1 s, half within 2 s, all within 4 s"},
		{[]int{1, 0, 9}, "come free: first in 1 s, all within 3 s"},
		{evenly(28_000, 1, 60), "come free: first in 2 s, half within 31 s, all within 60 s"},
	} {
		if got := Expiry(c.expiries); got != c.want {
			t.Errorf("%v: got %q, want %q", c.expiries, got, c.want)
		}
	}
}

// evenly returns buckets that expire from one second to the one before another.
func evenly(buckets, from, to int) []int {
	expiries := make([]int, to)
	for i := range buckets {
		expiries[from+i*(to-from)/buckets]++
	}
	return expiries
}

func TestNextFree(t *testing.T) {
	t.Parallel()
	for want, expiries := range map[string][]int{"": {0, 0}, "in 1 s": {3}, "in 3 s": {0, 0, 1, 5}} {
		if got := NextFree(expiries); got != want {
			t.Errorf("%v: %q, want %q", expiries, got, want)
		}
	}
}
