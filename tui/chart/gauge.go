package chart

import (
	"math"
	"strconv"
	"strings"

	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
)

// Gauge is a bar of two parts with the percentage of the first one.
type Gauge struct {
	Taken    float64 // share of the capacity that the next call cannot have; NaN: not known
	Reusable float64 // share that it can have although it is in use

	TakenPen, ReusablePen, RestPen, LabelPen Pen
}

const (
	percentWidth = 5 // of the figure, with its gap
	leastBar     = 3 // cells below which there is no bar
)

// Line returns the gauge in width cells. The bar is full only if all is taken, and what is
// taken shows, however little it is.
func (g *Gauge) Line(width int) string {
	width = max(width, 0)
	bar := width - percentWidth
	if bar < leastBar {
		text := strings.TrimLeft(g.percent(), " ")
		if len(text) > width {
			return strings.Repeat(" ", width)
		}
		return g.LabelPen.Write(right(text, width))
	}
	return g.bar(bar) + g.LabelPen.Write(right(g.percent(), percentWidth))
}

// bar draws taken in eighths of a cell, then what is reusable in whole ones.
func (g *Gauge) bar(width int) string {
	const eighths = 8
	taken := finite(min(g.Taken, 1))
	length := scaled(taken, width, eighths)
	full := int(length)
	text := strings.Repeat("█", full)
	cells := full
	if char := runes.LeftBlockElementFromFloat64(length - float64(full)); char != runes.Null {
		text += string(char)
		cells++
	}
	both := int(math.Round(scaled(taken+finite(g.Reusable), width, 1)))
	reusable := max(min(both, width)-cells, 0)
	switch {
	case math.IsNaN(g.Taken):
		reusable = 0
	case finite(g.Reusable) > 0 && reusable == 0 && cells < width:
		reusable = 1
	}
	return g.TakenPen.Write(text) + g.ReusablePen.Write(strings.Repeat("▒", reusable)) +
		g.RestPen.Write(strings.Repeat("·", width-cells-reusable))
}

// percent returns the share taken, rounded down: 100% only if all is taken.
func (g *Gauge) percent() string {
	switch taken := g.Taken; {
	case math.IsNaN(taken):
		return "?"
	case taken >= 1:
		return "100%"
	case taken > 0 && taken < .01:
		return "<1%"
	default:
		return strconv.Itoa(int(finite(taken)*100)) + "%"
	}
}
