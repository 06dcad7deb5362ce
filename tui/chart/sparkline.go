package chart

import (
	"math"
	"strings"

	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
)

// Sparkline returns the newest values in exactly width cells, one a cell, the newest at the
// right, as heights relative to top; with top 0 to the greatest of them. Where there is no
// value, and for 0, it is blank; any other value shows.
func Sparkline(values []float64, width int, top float64, pen Pen) string {
	width = max(width, 0)
	values = values[max(len(values)-width, 0):]
	if top = finite(top); top == 0 {
		top = greatest(values)
	}
	var out strings.Builder
	out.Grow(3*width + len(pen.on) + len(pen.off))
	out.WriteString(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		out.WriteRune(block(v, top))
	}
	return pen.Write(out.String())
}

// greatest returns the greatest finite value, at least 0.
func greatest(values []float64) float64 {
	top := 0.0
	for _, v := range values {
		top = max(top, finite(v))
	}
	return top
}

// block returns the height of a value in one cell.
func block(v, top float64) rune {
	if math.IsInf(v, 1) {
		v = top
	}
	if v = finite(v); v == 0 || top == 0 {
		return ' '
	}
	return runes.LowerBlockElementFromFloat64(max(v/top, 1./8))
}
