package chart

import (
	"fmt"

	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"
)

// ink is any colour: what has a class is drawn without it, but only if it has one.
var ink = drawing.ColorBlack

const (
	lineWidth = 2
	dotWidth  = 2.5
	textSize  = 8.5 // points: 11 units
)

func (l *Line) style() chartdraw.Style {
	style := chartdraw.Style{ClassName: string(l.Role)}
	if l.Dots {
		style.DotWidth, style.DotColor = dotWidth, ink
		style.StrokeWidth = chartdraw.Disabled
		return style
	}
	style.StrokeWidth, style.StrokeColor = lineWidth, ink
	if l.Dashed {
		style.StrokeDashArray = []float64{5, 4}
	}
	if l.Area {
		style.FillColor = ink
	}
	return style
}

// picture returns the chart of the library. Its axis on the left is the second one.
func (c *Chart) picture(series []chartdraw.Series) chartdraw.Chart {
	none := chartdraw.Style{ClassName: "none"}
	axis := chartdraw.Style{
		ClassName: "axis", StrokeColor: ink, StrokeWidth: 1, FontStyle: chartdraw.FontStyle{FontSize: textSize, FontColor: ink},
	}
	// A line of the grid has no class: its grey is seen on dark and light.
	grid := chartdraw.Style{StrokeColor: drawing.Color{R: 128, G: 128, B: 128, A: 70}, StrokeWidth: 1}
	background := none
	background.Padding = chartdraw.Box{Top: 10, Left: 6, Right: 16, Bottom: 6, IsSet: true}
	return chartdraw.Chart{
		Width: Width, Height: c.height(), Background: background, Canvas: none, Series: series,
		XAxis: chartdraw.XAxis{Style: axis, Ticks: ticks(c.X), GridMajorStyle: chartdraw.Hidden(), GridMinorStyle: chartdraw.Hidden()},
		YAxis: chartdraw.YAxis{Style: chartdraw.Hidden(), Range: &chartdraw.ContinuousRange{Max: 1}},
		YAxisSecondary: chartdraw.YAxis{
			AxisType: chartdraw.YAxisSecondary, Style: axis, Ticks: ticks(c.Y), GridMajorStyle: grid, GridMinorStyle: grid,
		},
	}
}

func (c *Chart) height() int {
	if c.Height > 0 {
		return c.Height
	}
	return Height
}

// open returns the tag of the element. The page names what it shows.
func (c *Chart) open() string {
	return fmt.Sprintf(`<svg viewBox="0 0 %d %d" aria-hidden="true">`, Width, c.height())
}

func ticks(list []Tick) []chartdraw.Tick {
	all := make([]chartdraw.Tick, len(list))
	for i, t := range list {
		all[i] = chartdraw.Tick{Value: t.At, Label: t.Label}
	}
	return all
}
