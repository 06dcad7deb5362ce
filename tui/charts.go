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
	opens := m.rateFrame("connections/s", phrase.Rate(s.Rates.Opens), openCounts(s.History.Points()), opened, third, height)
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
	return m.rateFrame("failures/s", phrase.Rate(s.Rates.Failures), failureCounts(s.History.Points()), fail, width, height)
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

// socketLines returns the sockets of now by state, with their course, in fixed places.
func (m *Model) socketLines(width int) []string {
	t, past := &m.shown.Totals, m.shown.Sockets
	course := func(of func(*snapshot.SocketPoint) uint32) []float64 {
		list := make([]float64, len(past))
		for i := range past {
			list[i] = float64(of(&past[i]))
		}
		return list
	}
	rows := []struct {
		gaugeFigure
		course []float64
		pen    tone
	}{
		{gaugeFigure{"open", t.Live(), plain}, course(func(p *snapshot.SocketPoint) uint32 { return p.Open }), opened},
		{gaugeFigure{"TIME_WAIT", t.TimeWaitOut, plain}, course(func(p *snapshot.SocketPoint) uint32 { return p.TimeWait }), warn},
		{gaugeFigure{"CLOSE_WAIT", t.CloseWait, warn}, course(func(p *snapshot.SocketPoint) uint32 { return p.CloseWait }), warn},
		{gaugeFigure{"SYN lost", t.SynSent, warn}, course(func(p *snapshot.SocketPoint) uint32 { return p.SynSent }), fail},
	}
	var lines []string
	for _, r := range rows {
		line := m.figure(r.gaugeFigure, 11)
		room := min(width-cells(line)-1, snapshot.HistorySeconds)
		lines = append(lines, line+" "+chart.Sparkline(r.course, max(room, 0), 0, m.styles.pens[r.pen]))
	}
	before := m.figure(gaugeFigure{"from before", t.BeforeStart, quiet}, 11)
	accepted := m.figure(gaugeFigure{"accepted TIME_WAIT", t.TimeWaitIn, quiet}, 19)
	if width >= cells(before)+2+cells(accepted) {
		before += "  " + accepted
	}
	return append(lines, before)
}

func (m *Model) figure(g gaugeFigure, width int) string {
	t := g.tone
	if g.value == 0 {
		t = quiet
	}
	return m.styles.paint(quiet, pad(g.name, width, false)) + m.styles.paint(t, pad(phrase.Count(g.value), figureWidth, true))
}
