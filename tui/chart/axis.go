package chart

import (
	"github.com/NimbleMarkets/ntcharts/v2/canvas"
	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
	"github.com/NimbleMarkets/ntcharts/v2/linechart"
)

// axisRoom is more than any label of a y axis needs.
const axisRoom = 9

// yAxis draws a y axis from 0 at line base up to top at line 0, and returns its width. Each
// label is for the upper edge of its line, but the lowest one.
func yAxis(s *sheet, base int, top float64, format func(float64) string, axis, label *Pen) int {
	if base <= 0 {
		return 0
	}
	// The chart has two lines for an x axis: base, and one below that is not copied.
	chart := linechart.New(axisRoom, base+2, 0, 1, 0, top,
		linechart.WithXYSteps(axisRoom, labelStep(base)),
		linechart.WithYLabelFormatter(func(_ int, v float64) string { return format(v) }))
	chart.DrawXYAxisAndLabel()
	for y := range base + 1 {
		labelled := false
		for x := range chart.Origin().X {
			if char := chart.Canvas.Cell(canvas.Point{X: x, Y: y}).Rune; char != runes.Null {
				s.set(x, y, char, label)
				labelled = true
			}
		}
		tick := chart.Canvas.Cell(canvas.Point{X: chart.Origin().X, Y: y}).Rune
		if labelled || y == base {
			tick = runes.CombineLines(runes.LineVertical, runes.LineLeft, runes.ThinLineStyle)
		}
		s.set(chart.Origin().X, y, tick, axis)
	}
	return chart.Origin().X + 1
}

// labelStep returns each how many rows of height have a label: at quarters, at the half, or
// at the ends only.
func labelStep(height int) int {
	switch {
	case height >= 8 && height%4 == 0:
		return height / 4
	case height >= 4 && height%2 == 0:
		return height / 2
	}
	return height
}
