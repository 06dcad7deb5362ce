package chart

import (
	"time"

	"github.com/NimbleMarkets/ntcharts/v2/canvas"
	"github.com/NimbleMarkets/ntcharts/v2/canvas/graph"
	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
)

// forecast draws the band, and over it the dashed line, from the last level on.
func (c *curve) forecast(columns []column) {
	level, known := lastLevel(columns)
	if c.Forecast == nil || !known || c.past >= c.width {
		return
	}
	c.band(level)
	if c.Forecast.ETA >= 0 {
		c.dashed(level)
	}
}

// lastLevel returns what is taken now. Of the columns the last ones can lie after now.
func lastLevel(columns []column) (float64, bool) {
	for i := len(columns) - 1; i >= 0; i-- {
		if columns[i].known {
			return columns[i].taken, true
		}
	}
	return 0, false
}

// expected returns the share in use after a time, if the space is full after eta.
func expected(level float64, after, eta time.Duration) float64 {
	switch {
	case eta < 0:
		return level
	case after >= eta:
		return 1
	}
	return level + (1-level)*float64(after)/float64(eta)
}

// after returns the time from now to the middle of a column right of it.
func (c *curve) after(x int) time.Duration {
	return c.start.Add(time.Duration(x)*c.step + c.step/2).Sub(c.Now)
}

// band fills what lies between the earliest and the latest forecast, up to the latest moment
// at which the space is full.
func (c *curve) band(level float64) {
	for x := c.past; x < c.width; x++ {
		after := max(c.after(x), 0)
		if c.Forecast.High >= 0 && after > c.Forecast.High {
			return
		}
		high := expected(level, after, c.Forecast.Low)
		low := expected(level, after, c.Forecast.High)
		for y := c.rowOf(high); y <= c.rowOf(low); y++ {
			c.sheet.set(c.left+x, y, '░', &c.pal.Band)
		}
	}
}

// rowOf returns the line in which a level lies.
func (c *curve) rowOf(level float64) int {
	return c.rows - 1 - min(int(level*float64(c.rows)), c.rows-1)
}

// dashed draws the line up to the moment at which the space is full.
func (c *curve) dashed(level float64) {
	width := c.width - c.past
	grid := graph.NewBrailleGrid(width, c.rows, 0, 1, 0, 1)
	eta := min(int(c.Now.Add(c.Forecast.ETA).Sub(c.start)/(c.step/dotColumns))-c.past*dotColumns, width*dotColumns-1)
	eta = max(eta, 0)
	end := expected(level, max(c.after(c.width-1), 0), c.Forecast.ETA)
	if eta < width*dotColumns-1 {
		end = 1
	}
	from := canvas.Point{X: 0, Y: c.dotRow(level)}
	for i, p := range graph.GetLinePoints(from, canvas.Point{X: eta, Y: c.dotRow(end)}) {
		if i%3 < 2 {
			grid.Set(p)
		}
	}
	for y, row := range grid.BraillePatterns() {
		for x, char := range row {
			if char == runes.BrailleBlockOffset {
				continue
			}
			if !c.Braille {
				char = '•'
			}
			c.sheet.set(c.left+c.past+x, y, char, &c.pal.Forecast)
		}
	}
}

// dotRow returns the row of dots in which a level lies.
func (c *curve) dotRow(level float64) int {
	dots := c.rows * dotRows
	return dots - 1 - min(int(level*float64(dots)), dots-1)
}
