package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cells returns the width of text. It adds up runes, as terminals do, and the renderer
// unless a terminal reports grapheme support.
func cells(s string) int {
	if isPlain(s) {
		return len(s)
	}
	return ansi.StringWidthWc(s)
}

// cut returns text of at most width cells, with … if it was longer.
func cut(s string, width int) string {
	width = max(width, 0)
	switch {
	case !isPlain(s):
		return ansi.TruncateWc(s, width, "…")
	case len(s) <= width:
		return s
	case width == 0:
		return ""
	}
	return s[:width-1] + "…"
}

// isPlain reports whether each byte is a letter of one cell: most texts of a table are so, and their
// widths are asked for thousands of times a snapshot.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// pad returns text of exactly width cells.
func pad(s string, width int, right bool) string {
	s = cut(s, width)
	blank := strings.Repeat(" ", max(width-cells(s), 0))
	if right {
		return blank + s
	}
	return s + blank
}

// box returns exactly height lines of at most width cells, so that nothing is written
// beyond the edges of the terminal.
func box(lines []string, width, height int) []string {
	out := make([]string, max(height, 0))
	for i := range min(len(lines), len(out)) {
		out[i] = cut(lines[i], width)
	}
	return out
}

// piece is a part of a line that has a long form and shorter ones. Rank 0 is always
// there; a piece of a greater rank is left out when even its shortest form does not fit.
type piece struct {
	rank  int // the smallest gets its room first
	tone  tone
	comma bool // it continues the piece before
	forms []string
}

func (p *piece) gap() string {
	if p.comma {
		return ", "
	}
	return "  "
}

// join returns one line of the pieces. By rank, each gets the longest form that fits
// beside the shortest forms of those after it.
func join(pieces []piece, width int, st *styles) string {
	form, order := make([]int, len(pieces)), make([]int, len(pieces))
	for i := range pieces {
		form[i], order[i] = pieces[i].shortest(), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return pieces[a].rank - pieces[b].rank })
	for _, i := range order {
		for form[i] = 0; form[i] < pieces[i].shortest() && joinedWidth(pieces, form) > width; form[i]++ {
		}
	}
	var line strings.Builder
	for i, p := range pieces {
		text := p.at(form[i])
		if text == "" {
			continue
		}
		if line.Len() > 0 {
			line.WriteString(p.gap())
		}
		line.WriteString(st.paint(p.tone, text))
	}
	return cut(line.String(), width)
}

// shortest returns the index of the shortest form, beyond the last for no text at all.
func (p *piece) shortest() int {
	if p.rank == 0 {
		return max(len(p.forms)-1, 0)
	}
	return len(p.forms)
}

func (p *piece) at(form int) string {
	if form < len(p.forms) {
		return p.forms[form]
	}
	return ""
}

func joinedWidth(pieces []piece, form []int) int {
	width := 0
	for i := range pieces {
		text := pieces[i].at(form[i])
		if text != "" && width > 0 {
			width += len(pieces[i].gap())
		}
		width += cells(text)
	}
	return width
}

// ends returns a line with one text at the left and one at the right, which is left out if
// both do not fit.
func ends(left, right string, width int) string {
	room := width - cells(left) - cells(right)
	if room < 1 {
		return cut(left, width)
	}
	return left + strings.Repeat(" ", room) + right
}
