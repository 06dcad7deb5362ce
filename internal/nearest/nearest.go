// Package nearest finds the names that a mistyped one may stand for.
package nearest

import (
	"slices"
	"strings"
)

// most is how many names are suggested.
const most = 3

// To returns the names that a wrong one may stand for, at most three, the nearest first: those
// that it is a part of, and those that at most within typing errors make of it.
func To(name string, names []string, within int) []string {
	type near struct {
		name     string
		distance int
	}
	var found []near
	for _, n := range names {
		d := distance(name, n)
		if len(name) >= most && strings.Contains(n, name) {
			d = 1
		}
		if d <= within {
			found = append(found, near{n, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	var out []string
	for _, f := range found[:min(most, len(found))] {
		out = append(out, f.name)
	}
	return out
}

// One returns the name that a wrong one most probably stands for, if there is one.
func One(name string, names []string) (string, bool) {
	const longest = 40 // longer ones are no typing errors
	if name == "" || len(name) > longest {
		return "", false
	}
	near := To(name, names, min(2, max(1, len(name)/3)))
	if len(near) == 0 {
		return "", false
	}
	return near[0], true
}

// distance is how many letters must be added, dropped, replaced or, if they are neighbours,
// exchanged to make one name of the other.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			changed := last[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
