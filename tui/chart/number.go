package chart

import (
	"math"
	"strconv"
)

// finite returns v, or 0 for what is no number, infinite or negative.
func finite(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 1) {
		return 0
	}
	return v
}

// share returns part of whole from 0 to 1. Without a whole it is 0.
func share(part, whole int) float64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	return min(float64(part)/float64(whole), 1)
}

// scaled returns a share of length in steps of 1/parts: nothing is 0, anything else at least
// one part, and only the whole reaches length.
func scaled(share float64, length, parts int) float64 {
	steps := length * parts
	if !(share > 0) || steps <= 0 {
		return 0
	}
	if share >= 1 {
		return float64(length)
	}
	n := min(max(int(math.Round(share*float64(steps))), 1), max(steps-1, 1))
	return float64(n) / float64(parts)
}

// grouped returns a count with separators between thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(text) - 3; i > first; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// short returns a rate or count in at most five cells: 7, 0.5, 1.5k, 200k, 12M.
func short(v float64) string {
	v = finite(v)
	unit := ""
	for _, next := range []string{"k", "M", "G", "T"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	switch {
	case v >= 1e4:
		return ">999T"
	case v < 10 && v != math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 1, 64) + unit
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + unit
}
