package report

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/verdict"
)

// marks distinguish the levels without colour.
var marks = map[verdict.Level]string{verdict.OK: "✓", verdict.Unknown: "?", verdict.Soon: "▲", verdict.Failing: "●"}

// box writes the verdict in a frame. It has no right side: what is wide on one terminal is narrow
// on another.
func (w *writer) box(v *verdict.Verdict) {
	w.out.WriteString("\n")
	title := &bytes.Buffer{}
	writeItem(title, "╭─ "+marks[v.Level]+" ", v.Title)
	head, rest, _ := strings.Cut(strings.TrimRight(title.String(), "\n"), "\n")
	w.out.WriteString(rule(head+" ") + "\n")
	if rest != "" {
		writeItem(&w.out, "│ ", strings.TrimSpace(rest))
	}
	for _, line := range v.Lines {
		w.framed(line)
	}
	for _, line := range v.More {
		w.framed("also: " + line)
	}
	w.out.WriteString(rule("╰") + "\n")
}

// framed writes a text in the frame, wrapped.
func (w *writer) framed(text string) {
	var lines bytes.Buffer
	writeItem(&lines, "  ", printable.String(text))
	for line := range strings.Lines(lines.String()) {
		w.out.WriteString("│ " + strings.TrimPrefix(line, "  "))
	}
}

// rule continues a line to the width of the frame.
func rule(head string) string {
	return head + strings.Repeat("─", max(textWidth-utf8.RuneCountInString(head), 0))
}
