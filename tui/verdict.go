package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/verdict"
)

// verdictTones and verdictSigns are of each level: the sign distinguishes them without colours.
var (
	verdictTones = map[verdict.Level]tone{verdict.OK: good, verdict.Unknown: warn, verdict.Soon: warn, verdict.Failing: fail}
	verdictSigns = map[verdict.Level]string{verdict.OK: "✓", verdict.Unknown: "?", verdict.Soon: "▲", verdict.Failing: "●"}
)

// verdictLines returns how many lines the box takes on a screen of that height.
func (m *Model) verdictLines(height int) int {
	if height < 16 || m.low() {
		return 1
	}
	most := maxVerdict
	if height < 30 {
		most = 4
	}
	return frameRows + clamp(len(m.verdictText(most)), most+1)
}

// verdictText returns the sentences, wrapped, in at most room lines: what to do first keeps its line,
// and further troubles have what is left.
func (m *Model) verdictText(room int) []string {
	v := &m.verdict
	do := m.paragraph(accent, "▸ ", v.Do)
	lines := m.paragraph(plain, "", strings.Join(v.Lines, " "))
	if most := room - min(len(do), 1); len(lines) > most && most > 0 {
		lines = lines[:most]
		lines[most-1] = m.shortened(lines[most-1])
	}
	if rest := room - len(lines); len(do) > rest && rest > 0 {
		do = do[:rest]
		do[rest-1] = m.shortened(do[rest-1])
	}
	lines = append(lines, do...)
	for _, more := range v.More {
		lines = append(lines, m.paragraph(warn, "+ ", more)...)
	}
	return lines[:min(len(lines), max(room, 0))]
}

// paragraph returns a text in the width of the box, nothing for no text.
func (m *Model) paragraph(t tone, mark, text string) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(ansi.WrapWc(mark+printable.String(text), max(m.width-frameCells, 1), ""), "\n") {
		lines = append(lines, m.styles.paint(t, line))
	}
	return lines
}

// shortened marks a line after which something is left out.
func (m *Model) shortened(line string) string { return cut(line, m.width-frameCells-2) + " …" }

// verdictBox returns the box with the verdict, or its title where there is no room for it.
func (m *Model) verdictBox(height int) []string {
	v := &m.verdict
	t := verdictTones[v.Level]
	title := m.styles.paint(t, verdictSigns[v.Level]+" "+printable.String(v.Title))
	if height <= frameRows {
		return []string{" " + title + "  " + m.styles.paint(quiet, strings.Join(v.Lines, " "))}
	}
	f := frame{title: title, tone: t}
	if v.Finding != (doctor.Key{}) || v.Level >= verdict.Soon {
		f.bottom = m.styles.hint("w", "why and what to do")
	}
	return f.draw(m.verdictText(height-frameRows), m.width, height, m.styles)
}
