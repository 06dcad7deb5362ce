package tui

import "strings"

// frame draws lines in a box with a title above and keys below, as many lines and cells as it is
// given. What does not fit is cut.
type frame struct {
	title  string // painted
	right  string // painted, at the right end of the upper edge
	bottom string // painted, in the lower edge
	tone   tone   // of the edges
}

// frameRows and frameCells are what the edges take.
const (
	frameRows  = 2
	frameCells = 4 // an edge and a blank at both sides
)

func (f *frame) draw(lines []string, width, height int, st *styles) []string {
	if height < frameRows || width < frameCells {
		return box(lines, width, height)
	}
	out := make([]string, 0, height)
	out = append(out, st.paint(f.tone, "╭")+f.edge(f.title, f.right, width-2, st)+st.paint(f.tone, "╮"))
	side, inner := st.paint(f.tone, "│"), width-frameCells
	for i := range height - frameRows {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out = append(out, side+" "+fill(line, inner)+" "+side)
	}
	return append(out, st.paint(f.tone, "╰")+f.edge("", f.bottom, width-2, st)+st.paint(f.tone, "╯"))
}

// edge returns a horizontal edge with a text at the left and one at the right, which is left out
// if both do not fit.
func (f *frame) edge(left, right string, width int, st *styles) string {
	if left != "" {
		left = " " + cut(left, width-4) + " "
	}
	if right != "" {
		right = " " + cut(right, width-4) + " "
	}
	if cells(left)+cells(right)+3 > width {
		right = ""
	}
	start, end := "─", "─"
	if left == "" {
		start = ""
	}
	if right == "" {
		end = ""
	}
	rest := width - cells(start) - cells(left) - cells(right) - cells(end)
	return st.paint(f.tone, start) + left + st.paint(f.tone, strings.Repeat("─", max(rest, 0))) + right + st.paint(f.tone, end)
}

// fill returns painted text of exactly width cells.
func fill(s string, width int) string {
	s = cut(s, width)
	return s + blanks(width-cells(s))
}

// beside joins the lines of two panes.
func beside(left, right []string, width int) []string {
	lines := make([]string, max(len(left), len(right)))
	for i := range lines {
		if i < len(left) {
			lines[i] = left[i]
		}
		if i < len(right) {
			lines[i] = fill(lines[i], width) + right[i]
		}
	}
	return lines
}
