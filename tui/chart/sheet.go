package chart

import "strings"

// cell is a character one cell wide, and its pen: nil writes plain text.
type cell struct {
	char rune
	pen  *Pen
}

// sheet is a rectangle of cells, 0,0 at the top left. What lies outside is not written.
type sheet struct {
	width, height int
	cells         []cell
}

func newSheet(width, height int) *sheet {
	s := &sheet{width: max(width, 0), height: max(height, 0)}
	s.cells = make([]cell, s.width*s.height)
	for i := range s.cells {
		s.cells[i].char = ' '
	}
	return s
}

func (s *sheet) has(x, y int) bool { return x >= 0 && x < s.width && y >= 0 && y < s.height }

func (s *sheet) set(x, y int, char rune, pen *Pen) {
	if s.has(x, y) {
		s.cells[y*s.width+x] = cell{char, pen}
	}
}

// blank reports whether a cell inside has nothing in it.
func (s *sheet) blank(x, y int) bool { return s.has(x, y) && s.cells[y*s.width+x].char == ' ' }

// text writes characters that are one cell wide each.
func (s *sheet) text(x, y int, text string, pen *Pen) {
	for _, char := range text {
		s.set(x, y, char, pen)
		x++
	}
}

// lines returns the rows, with the cells of one pen in one run.
func (s *sheet) lines() []string {
	lines := make([]string, s.height)
	var out strings.Builder
	for y := range lines {
		out.Reset()
		out.Grow(4 * s.width)
		s.line(&out, s.cells[y*s.width:(y+1)*s.width])
		lines[y] = out.String()
	}
	return lines
}

func (s *sheet) line(out *strings.Builder, row []cell) {
	var pen *Pen
	change := func(next *Pen) {
		if pen != nil {
			out.WriteString(pen.off)
		}
		if pen = next; pen != nil {
			out.WriteString(pen.on)
		}
	}
	for i := range row {
		if row[i].pen != pen {
			change(row[i].pen)
		}
		out.WriteRune(row[i].char)
	}
	change(nil)
}
