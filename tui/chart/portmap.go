package chart

import (
	"strconv"
	"strings"
)

// Slice is the count of ports by state from First to Last, both inside.
type Slice struct {
	First, Last int
	Count       Counts
}

// size returns the number of ports, 0 for a slice that cannot be.
func (s *Slice) size() int {
	if s.First < 0 || s.Last >= portCount || s.First > s.Last {
		return 0
	}
	return s.Last - s.First + 1
}

// PortMap is the map of a port range: a cell for each slice of it, by the state that most of
// its ports are in, with how much of the slice is used. A cell is never finer than the slices
// that are given: which port of a slice it is that is used is not known.
type PortMap struct {
	Low, High int     // the range, both inside
	Slices    []Slice // not overlapping; ports in no slice are free
	Braille   bool    // TIME_WAIT in a slice partly used in braille, else in shades
	Legend    bool    // the last line names the states, if there are two lines or more
	Palette   *Palette
}

const (
	portWidth = 5  // cells of a port number
	oneGutter = 20 // cells from which on a line begins with its first port
	twoGutter = 36 // cells from which on it ends with its last one, too
	portCount = 1 << 16
)

// Lines returns the map in height lines of width cells.
func (m *PortMap) Lines(width, height int) []string {
	width, height = max(width, 0), max(height, 0)
	rows := height
	if m.Legend && height > 1 {
		rows--
	}
	s := newSheet(width, rows)
	var d drawn
	if g := m.grid(width, rows); g.cells > 0 {
		m.draw(s, g, &d)
	}
	if rows == height {
		return s.lines()
	}
	return append(s.lines(), m.legend(&d, width))
}

// Rows returns how many lines of at most height the map needs: the others would be blank.
func (m *PortMap) Rows(width, height int) int {
	rows := height
	if m.Legend && height > 1 {
		rows--
	}
	g := m.grid(max(width, 0), max(rows, 0))
	if g.cells == 0 {
		return max(height, 0)
	}
	return (g.cells-1)/g.columns + 1 + height - rows
}

func (m *PortMap) draw(s *sheet, g grid, d *drawn) {
	counts := m.rescale(g)
	d.count(counts, g.ports)
	for i := range g.cells {
		state, used, char := m.glyph(g, counts, i)
		s.set(g.left+i%g.columns, i/g.columns, char, m.palette().pen(state, used))
		d.add(state, used, char)
	}
	for y := 0; y*g.columns < g.cells; y++ {
		m.label(s, g, y)
	}
}

func (m *PortMap) palette() *Palette {
	if m.Palette == nil {
		return &Palette{}
	}
	return m.Palette
}

// label writes the first and last port of a row at its edges.
func (m *PortMap) label(s *sheet, g grid, y int) {
	end := min((y+1)*g.columns, g.cells)
	pen := &m.palette().Label
	if g.left > 0 {
		s.text(0, y, right(strconv.Itoa(g.first(y*g.columns)), portWidth), pen)
	}
	if g.right > 0 {
		s.text(g.left+end-y*g.columns+1, y, strconv.Itoa(g.first(end)-1), pen)
	}
}

// right returns text at the right end of width cells.
func right(text string, width int) string {
	return strings.Repeat(" ", max(width-len(text), 0)) + text
}

// glyph returns how cell i is drawn: its state, the share of its ports that are used, and the
// character.
func (m *PortMap) glyph(g grid, counts []Counts, i int) (State, float64, rune) {
	if g.pairs {
		if 2*i+1 < len(counts) {
			return m.pair(&counts[2*i], &counts[2*i+1])
		}
		i *= 2 // the last cell of an odd range has one port
	}
	size := 1
	if !g.pairs {
		size = g.first(i+1) - g.first(i)
	}
	state, used := counts[i].dominant(size)
	return state, used, m.levels(state).at(used)
}

// pair returns how two ports are drawn: a half for one of them, so that the parity shows.
func (m *PortMap) pair(even, odd *Counts) (State, float64, rune) {
	a, _ := even.dominant(1)
	b, _ := odd.dominant(1)
	state := min(a, b)
	switch {
	case a == Free && b == Free:
		return Free, 0, freeGlyph
	case b == Free:
		return state, .5, m.halves(state)[0]
	case a == Free:
		return state, .5, m.halves(state)[1]
	}
	return state, 1, m.levels(state).at(1)
}
