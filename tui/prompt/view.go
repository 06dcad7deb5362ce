package prompt

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/printable"
)

// View returns the line, and below it the fault and the candidates, at most height lines of
// at most width cells.
func (p *Prompt) View(width, height int, styles *Styles) []string {
	line, _ := p.Line(width, styles)
	lines := []string{line}
	if p.fault != "" {
		lines = append(lines, paint(styles.Fault, cut(printable.String(p.fault), width)))
	}
	if room := height - len(lines); room > 0 {
		lines = append(lines, p.Candidates(width, room, styles)...)
	}
	return lines[:min(len(lines), max(height, 0))]
}

// Fault returns what was wrong with the line when it was entered, or "".
func (p *Prompt) Fault() string { return p.fault }

// Line returns the line with its colon, and the cell of the cursor.
func (p *Prompt) Line(width int, styles *Styles) (line string, cursor int) {
	line, cursor = p.input.View(width-1, p.ghost(), styles)
	return paint(styles.Text, ":") + line, cursor + 1
}

// Candidates returns the list of candidates, around the chosen one; the last line counts those
// that do not fit.
func (p *Prompt) Candidates(width, height int, styles *Styles) []string {
	if len(p.found) == 0 || height < 1 {
		return nil
	}
	shown := min(len(p.found), height)
	more := ""
	if len(p.found) > height && height > 1 {
		shown--
		more = fmt.Sprintf("  %d of %d; Tab chooses", shown, len(p.found))
	}
	from := min(max(p.chosen-shown/2, 0), len(p.found)-shown)
	column := p.nameWidth(width)
	var lines []string
	for i := from; i < from+shown; i++ {
		lines = append(lines, p.candidateLine(i, column, width, styles))
	}
	if more != "" {
		lines = append(lines, paint(styles.Help, cut(more, width)))
	}
	return lines
}

// nameWidth returns the width of the names, of all candidates so that it does not change
// with the choice.
func (p *Prompt) nameWidth(width int) int {
	widest := 0
	for i := range p.found {
		widest = max(widest, cells(printable.String(p.found[i].name)))
	}
	return min(widest, max(width-2, 0))
}

func (p *Prompt) candidateLine(i, column, width int, styles *Styles) string {
	c := &p.found[i]
	name := cut(printable.String(c.name), column)
	name += strings.Repeat(" ", column-cells(name))
	help := ""
	if c.help != "" {
		help = "  " + c.help
	}
	if i == p.chosen {
		line := cut("> "+name+help, width)
		return paint(styles.Chosen, line+strings.Repeat(" ", max(width-cells(line), 0)))
	}
	return paint(styles.Name, "  "+name) + paint(styles.Help, cut(help, max(width-2-column, 0)))
}

func cut(s string, width int) string { return ansi.TruncateWc(s, max(width, 0), "…") }
