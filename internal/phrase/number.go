// Package phrase has the words for port spaces, failures and forecasts, each written once
// for the screen and the reports, and the formats of the numbers and times in them. What
// it returns is printable, whatever a name holds.
//
// Functions that return forms put the longest first: a line that is short of room takes
// the first form that fits.
package phrase

import (
	"fmt"
	"math"
	"strconv"
)

// Unknown stands for a value that is unknown, or for nothing that happened.
const Unknown = "-"

// Count returns a number in at most nine cells: 28,232, 12.3M.
func Count[N int | int64 | uint64](number N) string {
	n := float64(number)
	switch {
	case math.Abs(n) < 1e7:
		return Grouped(number)
	case math.Abs(n) < 1e9:
		return fmt.Sprintf("%.1fM", n/1e6)
	}
	return fmt.Sprintf("%.1fG", n/1e9)
}

// Grouped returns an exact number with a comma after every third digit.
func Grouped[N int | int64 | uint64](number N) string {
	digits := fmt.Sprint(number)
	start := 0
	if number < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Rate returns a number per second, with a decimal below ten.
func Rate(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return "0"
	case perSecond < 0.05:
		return "<0.1"
	case perSecond < 9.95:
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return Count(int64(math.Round(perSecond)))
}

// Plural returns 1 failure, 2 failures.
func Plural[N int | int64 | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Count(n) + " " + what + "s"
}
