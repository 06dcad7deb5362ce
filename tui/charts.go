package tui

import (
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/chart"
)

// charts returns the rates of the last two minutes and the sockets of now, beside each other.
func (m *Model) charts(height int) []string {
	s := m.shown
	third := m.width / 3
	last := m.width - 2*third
	opens := m.rateFrame("connections/s", phrase.Rate(s.Rates.Opens), openCounts(s.History), opened, third, height)
	failures := m.failureFrame(third, height)
	sockets := (&frame{title: m.styles.paint(strong, "sockets"), tone: border}).draw(m.socketLines(last-frameCells), last, height, m.styles)
	return beside(beside(opens, failures, third), sockets, 2*third)
}

func (m *Model) failureFrame(width, height int) []string {
	s := m.shown
	if phrase.CensusOnly(s) {
		f := frame{title: m.styles.paint(strong, "failures/s"), right: m.styles.paint(warn, "not observed"), tone: border}
		return f.draw(nil, width, height, m.styles)
	}
	return m.rateFrame("failures/s", phrase.Rate(s.Rates.Failures), failureCounts(s.History), fail, width, height)
}

func (m *Model) rateFrame(title, now string, values []uint32, t tone, width, height int) []string {
	f := frame{title: m.styles.paint(strong, title), tone: border}
	figure := quiet
	if now != "0" {
		figure = t
	}
	f.right = m.styles.paint(figure, now)
	f.bottom = m.styles.paint(quiet, "2 min")
	c := chart.Rate{
		Series: []chart.Series{{Values: floats(values), Pen: m.styles.pens[t]}},
		Span:   snapshot.HistorySeconds, Newest: int(m.shown.Wall.Unix()),
		Axis: m.styles.pens[border], Label: m.styles.pens[quiet],
	}
	return f.draw(c.Lines(width-frameCells, height-frameRows), width, height, m.styles)
}

func floats(values []uint32) []float64 {
	list := make([]float64, len(values))
	for i, v := range values {
		list[i] = float64(v)
	}
	return list
}

// socketLines returns the sockets of now by state, in two columns of fixed places.
func (m *Model) socketLines(width int) []string {
	t := &m.shown.Totals
	left := []gaugeFigure{
		{"open", t.Live(), plain}, {"TIME_WAIT", t.TimeWaitOut, plain}, {"CLOSE_WAIT", t.CloseWait, warn}, {"SYN lost", t.SynSent, warn},
	}
	right := []gaugeFigure{
		{"opened", int64(t.Opens), quiet}, {"accepted TIME_WAIT", t.TimeWaitIn, quiet}, {"from before start", t.BeforeStart, quiet}, {"failed calls", int64(t.Failed()), fail},
	}
	var lines []string
	for i := range left {
		line := m.figure(left[i], 11)
		if width >= cells(line)+4+19+figureWidth {
			line += "    " + m.figure(right[i], 19)
		}
		lines = append(lines, line)
	}
	return lines
}

func (m *Model) figure(g gaugeFigure, width int) string {
	t := g.tone
	if g.value == 0 {
		t = quiet
	}
	return m.styles.paint(quiet, pad(g.name, width, false)) + m.styles.paint(t, pad(phrase.Count(g.value), figureWidth, true))
}
