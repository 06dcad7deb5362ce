package chart

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Pen is a style as the bytes before and after a run of text. The zero Pen writes plain text.
// A program makes its pens once for each theme: rendering a style costs 3 us, a frame has
// thousands of runs.
type Pen struct{ on, off string }

// NewPen returns the pen of a style. Only colours and attributes count: a style that changes
// the text itself, as by padding, is not for a chart.
func NewPen(style lipgloss.Style) Pen {
	const probe = "x"
	on, off, _ := strings.Cut(style.Render(probe), probe)
	return Pen{on, off}
}

// Write returns text in the style of the pen.
func (p Pen) Write(text string) string {
	if text == "" {
		return ""
	}
	return p.on + text + p.off
}
