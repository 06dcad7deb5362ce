package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Cells are counted rune by rune, as terminals do and as the renderer does until
// a terminal says that it can do better.
func cells(s string) int { return ansi.StringWidthWc(s) }

// cut shortens text to width cells and shows that it did.
func cut(s string, width int) string { return ansi.TruncateWc(s, max(width, 0), "…") }

// pad makes text exactly width cells wide.
func pad(s string, width int, right bool) string {
	s = cut(s, width)
	blank := strings.Repeat(" ", max(width-cells(s), 0))
	if right {
		return blank + s
	}
	return s + blank
}

// box makes exactly height lines of at most width cells. Whatever came before,
// the terminal is never written beyond its edges.
func box(lines []string, width, height int) []string {
	out := make([]string, max(height, 0))
	for i := range min(len(lines), len(out)) {
		out[i] = cut(lines[i], width)
	}
	return out
}

// piece is a part of a line that can be said in less and less room. The last
// form of a piece of rank above 0 is to say nothing.
type piece struct {
	rank  int // the greatest is shortened first
	tone  tone
	comma bool // it goes on with what the piece before says
	forms []string
}

func (p *piece) gap() string {
	if p.comma {
		return ", "
	}
	return "  "
}

// join makes one line of the pieces, shortened as far as the width demands.
func join(pieces []piece, width int, st *styles) string {
	form := make([]int, len(pieces))
	for joinedWidth(pieces, form) > width && shorten(pieces, form) {
	}
	regrow(pieces, form, width)
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

// regrow gives back what room the last step left, to the most important first.
func regrow(pieces []piece, form []int, width int) {
	order := make([]int, len(pieces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return pieces[a].rank - pieces[b].rank })
	for _, i := range order {
		for best := range form[i] {
			was := form[i]
			if form[i] = best; joinedWidth(pieces, form) <= width {
				break
			}
			form[i] = was
		}
	}
}

// shorten takes the next form of the least important piece that has one.
func shorten(pieces []piece, form []int) bool {
	least := -1
	for i, p := range pieces {
		last := len(p.forms)
		if p.rank == 0 {
			last--
		}
		if form[i] < last && (least < 0 || p.rank >= pieces[least].rank) {
			least = i
		}
	}
	if least >= 0 {
		form[least]++
	}
	return least >= 0
}

// ends puts one text at the left and one at the right; the right one goes first.
func ends(left, right string, width int) string {
	room := width - cells(left) - cells(right)
	if room < 1 {
		return cut(left, width)
	}
	return left + strings.Repeat(" ", room) + right
}
