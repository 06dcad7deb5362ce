package tui

import "testing"

func TestEndsWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ends []int
		want string
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
		if got := endsWords(c.ends); got != c.want {
			t.Errorf("%v: got %q, want %q", c.ends, got, c.want)
		}
	}
}
