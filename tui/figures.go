package tui

import (
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// figures returns the rates and gauges of everything selected: as charts if there is room for
// them, else in two lines in which each has its place.
func (m *Model) figures(height int) []string {
	if height >= chartLines {
		return m.charts(height)
	}
	s := m.shown
	opens, failures := m.rateCells(s)
	lines := []string{
		opens + gauges(s, m.styles, m.width-cells(opens), true),
		failures + gauges(s, m.styles, m.width-cells(failures), false),
	}
	return lines[:min(height, len(lines))]
}

const (
	figureWidth = 8  // of a number, up to 99,999/s and 1.2M
	courseWidth = 24 // of its course
)

// rateCells returns the two rates with their course over the last two minutes.
func (m *Model) rateCells(s *snapshot.Snapshot) (opens, failures string) {
	width := courseWidth
	if m.width < 70 {
		width = max(m.width-46, 0)
	}
	opens = rateCell("conn/s", phrase.Rate(s.Rates.Opens), sparkline(openCounts(s.History.Points()), width), plain, m.styles)
	text, t := phrase.Rate(s.Rates.Failures), quiet
	if s.Rates.Failures > 0 {
		t = fail
	}
	if phrase.CensusOnly(s) {
		text, t = "not seen", warn
	}
	return opens, rateCell("fail/s", text, sparkline(failureCounts(s.History.Points()), width), t, m.styles)
}

func rateCell(label, figure, course string, t tone, st *styles) string {
	courseTone := opened
	if label == "fail/s" {
		courseTone = fail
	}
	return " " + st.paint(quiet, pad(label, 7, false)) + st.paint(t, pad(figure, figureWidth, true)) + " " + st.paint(courseTone, course)
}

// gaugeFigure is a number of now, with its name.
type gaugeFigure struct {
	name  string
	value int64
	tone  tone // if it is not zero
}

// gauges returns the sockets of now by state, in columns: three in the first line, three in the
// second.
func gauges(s *snapshot.Snapshot, st *styles, width int, first bool) string {
	t := &s.Totals
	list := []gaugeFigure{{"open", t.Live(), plain}, {"TIME_WAIT", t.TimeWaitOut, plain}, {"accepted TIME_WAIT", t.TimeWaitIn, quiet}}
	if !first {
		list = []gaugeFigure{{"SYN lost", t.SynSent, warn}, {"CLOSE_WAIT", t.CloseWait, warn}, {"from before start", t.BeforeStart, quiet}}
	}
	var line strings.Builder
	for i, g := range list {
		name := [...]int{8, 10, 18}[i]
		if width -= 2 + name + figureWidth; width < 0 {
			break
		}
		tone := g.tone
		if g.value == 0 {
			tone = quiet
		}
		line.WriteString("  " + st.paint(quiet, pad(g.name, name, false)) + st.paint(tone, pad(phrase.Count(g.value), figureWidth, true)))
	}
	return line.String()
}
