package phrase

import (
	"fmt"
	"slices"
	"strings"
)

// Expiry returns when the ports in TIME_WAIT come free, from the number that expires
// within each of the next seconds: when the first does, half of them and all.
func Expiry(expiries []int) string {
	all := 0
	for _, n := range expiries {
		all += n
	}
	if all == 0 {
		return ""
	}
	first, half, last := secondsUntil(expiries, 1), secondsUntil(expiries, (all+1)/2), secondsUntil(expiries, all)
	var parts []string
	if first < last {
		parts = append(parts, fmt.Sprintf("first in %d s", first))
	}
	if first < half && half < last {
		parts = append(parts, fmt.Sprintf("half within %d s", half))
	}
	parts = append(parts, fmt.Sprintf("all within %d s", last))
	return "come free: " + strings.Join(parts, ", ")
}

// NextFree returns when a timer frees the next port: in 42 s. It is empty if none does.
func NextFree(expiries []int) string {
	if !slices.ContainsFunc(expiries, func(n int) bool { return n > 0 }) {
		return ""
	}
	return fmt.Sprintf("in %d s", secondsUntil(expiries, 1))
}

// secondsUntil returns after how many seconds n ports have come free.
func secondsUntil(expiries []int, n int) int {
	for i, expired := range expiries {
		if n -= expired; n <= 0 {
			return i + 1
		}
	}
	return len(expiries)
}
