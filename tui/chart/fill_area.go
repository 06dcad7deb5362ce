package chart

import (
	"github.com/NimbleMarkets/ntcharts/v2/canvas"
	"github.com/NimbleMarkets/ntcharts/v2/canvas/graph"
	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
)

func (c *curve) area(columns []column) {
	if c.Braille {
		c.dotted(columns)
		return
	}
	for i := range columns {
		c.solid(c.left+i, &columns[i])
	}
}

// solid draws a column in blocks. A cell has one character: its state is the one that most of
// the cell is in.
func (c *curve) solid(x int, col *column) {
	const eighths = 8
	top := scaled(col.inUse, c.rows, eighths)
	open := min(scaled(col.open, c.rows, eighths), top)
	for row := 0; float64(row) < top; row++ {
		filled := min(top-float64(row), 1)
		state := stateAt(open-float64(row), filled)
		char := runes.LowerBlockElementFromFloat64(filled)
		if filled == 1 && !c.pal.Colours {
			levels := glyphs[state]
			char = levels[len(levels)-1]
		}
		c.sheet.set(x, c.rows-1-row, char, c.pal.pen(state, 1))
	}
}

// stateAt returns the state of a cell of which open is filled with open ports, and the rest up
// to filled with ports in TIME_WAIT.
func stateAt(open, filled float64) State {
	if 2*min(open, filled) >= filled {
		return Open
	}
	return TimeWait
}

// Dots of a braille character.
const (
	dotColumns = 2
	dotRows    = 4
)

// dotted draws the area in braille, with a line of blank dots between its two parts.
func (c *curve) dotted(columns []column) {
	grid := graph.NewBrailleGrid(c.past, c.rows, 0, 1, 0, 1)
	bottom := c.rows*dotRows - 1
	for i := range columns {
		top, open := c.dots(&columns[i])
		for dot := range top {
			if dot != open || open == 0 {
				grid.Set(canvas.Point{X: i, Y: bottom - dot})
			}
		}
	}
	for y, row := range grid.BraillePatterns() {
		for x, char := range row {
			if char != runes.BrailleBlockOffset {
				c.sheet.set(c.left+x, y, char, c.pal.pen(c.dottedState(columns, x, y), 1))
			}
		}
	}
}

// dots returns the dots of a column and those below its part in TIME_WAIT.
func (c *curve) dots(col *column) (top, open int) {
	top = int(scaled(col.inUse, c.rows, dotRows) * dotRows)
	return top, min(int(scaled(col.open, c.rows, dotRows)*dotRows), top)
}

// dottedState returns the state of the higher column of a cell.
func (c *curve) dottedState(columns []column, x, y int) State {
	best, state := 0, Open
	below := (c.rows - 1 - y) * dotRows
	for i := x * dotColumns; i < min((x+1)*dotColumns, len(columns)); i++ {
		top, open := c.dots(&columns[i])
		if filled := min(top-below, dotRows); filled > best {
			best, state = filled, stateAt(float64(open-below), float64(filled))
		}
	}
	return state
}
