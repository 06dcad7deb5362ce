package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/verdict"
)

// verdictTones and verdictSigns are of each level: the sign distinguishes them without colours.
var (
	verdictTones = map[verdict.Level]tone{verdict.OK: good, verdict.Unknown: warn, verdict.Soon: warn, verdict.Failing: fail}
	verdictSigns = map[verdict.Level]string{verdict.OK: "✔", verdict.Unknown: "?", verdict.Soon: "▲", verdict.Failing: "●"}
)

// verdictLines returns how many lines the box takes on a screen of that height.
func (m *Model) verdictLines(height int) int {
	if height < 16 {
		return 1
	}
	most := maxVerdict
	if height < 30 {
		most = 4
	}
	return frameRows + clamp(len(m.verdictText()), most+1)
}

// verdictText returns the sentences, wrapped.
func (m *Model) verdictText() []string {
	v, width := &m.verdict, m.width-frameCells
	var lines []string
	add := func(t tone, text string) {
		if text == "" {
			return
		}
		for line := range strings.SplitSeq(ansi.WrapWc(printable.String(text), max(width, 1), ""), "\n") {
			lines = append(lines, m.styles.paint(t, line))
		}
	}
	add(plain, strings.Join(v.Lines, " "))
	if v.Do != "" {
		add(accent, "▸ "+v.Do)
	}
	for _, more := range v.More {
		add(warn, "+ "+more)
	}
	return lines
}

// verdictBox returns the box with the verdict, or its title where there is no room for it.
func (m *Model) verdictBox(height int) []string {
	v := &m.verdict
	t := verdictTones[v.Level]
	title := m.styles.paint(t, verdictSigns[v.Level]+" "+printable.String(v.Title))
	if height <= frameRows {
		return []string{" " + title + "  " + m.styles.paint(quiet, strings.Join(v.Lines, " "))}
	}
	f := frame{title: title, tone: t}
	if v.Finding != "" || v.Level >= verdict.Soon {
		f.bottom = m.styles.hint("w", "why and what to do")
	}
	lines := m.verdictText()
	if room := height - frameRows; len(lines) > room && room > 0 {
		lines[room-1] = cut(lines[room-1]+" …", m.width-frameCells-1) + "…"
		lines[room-1] = strings.Replace(lines[room-1], "……", "…", 1)
	}
	return f.draw(lines, m.width, height, m.styles)
}
