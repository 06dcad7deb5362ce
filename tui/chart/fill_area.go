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

// part is one of the layers of an area.
type part uint8

const (
	openPart part = iota
	timeWaitPart
	reusablePart
)

// look returns the character of a cell filled with a part, and its pen.
func (c *curve) look(p part) (rune, *Pen) {
	const solid = '█'
	switch {
	case p == reusablePart:
		return '░', c.pal.pen(TimeWait, 0)
	case p == openPart:
		return solid, c.pal.pen(Open, 1)
	case c.pal.Colours:
		return solid, c.pal.pen(TimeWait, 1)
	}
	return '▓', c.pal.pen(TimeWait, 1)
}

// solid draws a column in blocks. A cell has one character: that of the part which has most of
// it.
func (c *curve) solid(x int, col *column) {
	const eighths = 8
	top := scaled(col.inUse, c.rows, eighths)
	open, taken := scaled(col.open, c.rows, eighths), scaled(col.taken, c.rows, eighths)
	for row := 0; float64(row) < top; row++ {
		filled := min(top-float64(row), 1)
		char, pen := c.look(partAt(open-float64(row), taken-float64(row), filled))
		if filled < 1 {
			char = runes.LowerBlockElementFromFloat64(filled)
		}
		c.sheet.set(x, c.rows-1-row, char, pen)
	}
}

// partAt returns the part that has most of what is filled from 0 up: open ends the first part,
// taken the second.
func partAt(open, taken, filled float64) part {
	open, taken = max(min(open, filled), 0), max(min(taken, filled), 0)
	reusable := filled - taken
	switch waiting := taken - open; {
	case open >= waiting && open >= reusable:
		return openPart
	case waiting >= reusable:
		return timeWaitPart
	}
	return reusablePart
}

// Dots of a braille character.
const (
	dotColumns = 2
	dotRows    = 4
)

// dotted draws the area in braille, with a line of blank dots between its parts.
func (c *curve) dotted(columns []column) {
	grid := graph.NewBrailleGrid(c.past, c.rows, 0, 1, 0, 1)
	bottom := c.rows*dotRows - 1
	for i := range columns {
		open, taken, top := c.dots(&columns[i])
		for dot := range top {
			if dot == 0 || dot != open && dot != taken {
				grid.Set(canvas.Point{X: i, Y: bottom - dot})
			}
		}
	}
	for y, row := range grid.BraillePatterns() {
		for x, char := range row {
			if char != runes.BrailleBlockOffset {
				_, pen := c.look(c.dottedPart(columns, x, y))
				c.sheet.set(c.left+x, y, char, pen)
			}
		}
	}
}

// dots returns how many dots of a column are below the end of each part.
func (c *curve) dots(col *column) (open, taken, top int) {
	dots := func(share float64) int { return int(scaled(share, c.rows, dotRows) * dotRows) }
	return dots(col.open), dots(col.taken), dots(col.inUse)
}

// dottedPart returns the part of the higher column of a cell.
func (c *curve) dottedPart(columns []column, x, y int) part {
	best, p := 0, openPart
	below := (c.rows - 1 - y) * dotRows
	for i := x * dotColumns; i < min((x+1)*dotColumns, len(columns)); i++ {
		open, taken, top := c.dots(&columns[i])
		if filled := min(top-below, dotRows); filled > best {
			best, p = filled, partAt(float64(open-below), float64(taken-below), float64(filled))
		}
	}
	return p
}
