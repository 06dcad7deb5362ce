// Package spelling finds what a mistyped word probably means, for "did you mean".
package spelling

import "strings"

// Nearest returns the known word that a word, in lower case, most probably means: the one of
// which it is the beginning or that it begins with (from two letters on), else the one with the
// fewest edits from it: one, or two from six letters on. An edit adds, removes or replaces a
// letter, or swaps two neighbours.
func Nearest(word string, known []string) (string, bool) {
	const longest = 40 // longer ones are no typing errors
	if word == "" || len(word) > longest {
		return "", false
	}
	best, least := "", 2
	if len(word) >= 6 {
		least = 3
	}
	for _, other := range known {
		if len(word) > 1 && len(other) > 1 && (strings.HasPrefix(other, word) || strings.HasPrefix(word, other)) {
			return other, true
		}
		if len(other) > longest || len(other) < 3 {
			continue // a word of two letters is one edit from too many
		}
		if n := edits(word, other); n < least {
			best, least = other, n
		}
	}
	return best, best != ""
}

// edits returns the number of edits between two words, with each letter in one swap at most.
func edits(a, b string) int {
	// rows[i%3][j] is that of the first i letters of a and the first j of b.
	var rows [3][]int
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	for i := 0; i <= len(a); i++ {
		row, last, older := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		for j := 0; j <= len(b); j++ {
			switch {
			case i == 0:
				row[j] = j
				continue
			case j == 0:
				row[j] = i
				continue
			}
			row[j] = min(last[j], row[j-1], last[j-1]) + 1
			if a[i-1] == b[j-1] {
				row[j] = last[j-1]
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
