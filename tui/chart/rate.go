package chart

import (
	"math"

	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
)

// Series is values of one kind, one for each second, the newest last.
type Series struct {
	Values []float64 // a value that is no number is drawn as none
	Pen    Pen
}

// Rate is a chart of one series, or of two with the second in front: the calls that failed
// before all calls, say.
type Rate struct {
	Series []Series
	// Top is the upper end of the axis; 0: a round number above the greatest value shown.
	Top float64
	// Span is the number of values over the width; 0: one in each cell.
	Span int
	// Newest is the number of the newest value since any beginning. It keeps values in the
	// same column while they move to the left.
	Newest int

	Axis, Label Pen
}

// Lines returns the chart in height lines of width cells.
func (r *Rate) Lines(width, height int) []string {
	s := newSheet(width, height)
	left := 0
	top := r.top(s.width)
	if s.width >= axisWidth && s.height >= 2 {
		left = yAxis(s, s.height-1, top, short, &r.Axis, &r.Label)
	}
	for i := range r.Series {
		series := &r.Series[i]
		for x, v := range r.peaks(series.Values, s.width-left) {
			r.column(s, left+x, scaled(finite(v)/top, s.height, 8), i, &series.Pen)
		}
	}
	return s.lines()
}

// top returns the upper end of the axis, never 0.
func (r *Rate) top(width int) float64 {
	if top := finite(r.Top); top > 0 {
		return top
	}
	top := 0.0
	for i := range r.Series {
		values := r.Series[i].Values
		top = max(top, greatest(values[max(len(values)-max(r.Span, width), 0):]))
	}
	return roundUp(top)
}

// roundUp returns the next of 1, 2 and 5 times a power of ten, at least 1.
func roundUp(v float64) float64 {
	if v <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*unit {
			return step * unit
		}
	}
	return min(10*unit, math.MaxFloat64)
}

// peaks returns the greatest value in each column, the newest at the right. Which values share
// a column follows from their numbers.
func (r *Rate) peaks(values []float64, width int) []float64 {
	if width <= 0 {
		return nil
	}
	span := max(r.Span, width)
	newest := max(r.Newest, len(values)-1, 0)
	column := func(number int) int {
		turn, rest := number/span, number%span
		return turn*width + int(float64(rest)*float64(width)/float64(span))
	}
	columns := make([]float64, width)
	last := column(newest)
	for back := range len(values) {
		x := width - 1 - (last - column(newest-back))
		if x < 0 {
			break
		}
		columns[x] = max(columns[x], finite(values[len(values)-1-back]))
	}
	return columns
}

// column draws a bar of a height in rows. The second series has no eighths where it lies
// before the first one: the cell has one character.
func (r *Rate) column(s *sheet, x int, height float64, series int, pen *Pen) {
	for row := 0; float64(row) < height; row++ {
		y := s.height - 1 - row
		filled := min(height-float64(row), 1)
		char := runes.LowerBlockElementFromFloat64(filled)
		if series > 0 && !s.blank(x, y) {
			if filled < .5 && row > 0 {
				return
			}
			char = '▓'
		} else if series > 0 && filled == 1 {
			char = '▓'
		}
		s.set(x, y, char, pen)
	}
}
