package tui

import (
	"fmt"
	"strings"
)

// endsWords says when the ports in TIME_WAIT come free, by how many do so within each of the
// next seconds. Who waits for a port asks for the first, who repairs for half and for all.
func endsWords(ends []int) string {
	all := 0
	for _, n := range ends {
		all += n
	}
	if all == 0 {
		return ""
	}
	first, half, last := secondsUntil(ends, 1), secondsUntil(ends, (all+1)/2), secondsUntil(ends, all)
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

// secondsUntil is after how many seconds so many are free.
func secondsUntil(ends []int, n int) int {
	for i, ended := range ends {
		if n -= ended; n <= 0 {
			return i + 1
		}
	}
	return len(ends)
}
