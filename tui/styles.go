package tui

import (
	"charm.land/lipgloss/v2"

	"github.com/porttrace/porttrace/tui/chart"
)

// tone is the meaning of a piece of text. It decides the style.
type tone uint8

const (
	plain    tone = iota
	quiet         // labels, and figures that are zero
	strong        // titles
	warn          // not failing yet, or not everything is visible
	fail          // something fails or was lost
	good          // nothing fails
	accent        // the tab shown, keys, the cursor
	border        // frames
	chip          // a filter or a setting that hides rows
	opened        // ports of open connections
	waiting       // ports in TIME_WAIT
	unclosed      // ports in CLOSE_WAIT
	bound         // ports that only a bind() owns
	listener      // ports at which a socket listens
	reserved      // ports that are not allocated
	free          // ports that are
	tones         // how many there are
)

// styles has the pen of each tone, as it is and for the row under the cursor, and the colours of
// pictures.
type styles struct {
	of, selected [tones]chart.Pen
	palette      chart.Palette
}

// newStyles returns the default styles for a dark background.
func newStyles() *styles {
	hex := func(s string) lipgloss.Style { return lipgloss.NewStyle().Foreground(lipgloss.Color(s)) }
	list := [tones]lipgloss.Style{
		plain:    lipgloss.NewStyle(),
		quiet:    hex("#7d8590"),
		strong:   lipgloss.NewStyle().Bold(true),
		warn:     hex("#e3a341"),
		fail:     hex("#ff6b6b"),
		good:     hex("#56d364"),
		accent:   hex("#79c0ff").Bold(true),
		border:   hex("#484f58"),
		chip:     hex("#d2a8ff").Bold(true),
		opened:   hex("#58a6ff"),
		waiting:  hex("#e3a341"),
		unclosed: hex("#f0883e"),
		bound:    hex("#d2a8ff"),
		listener: hex("#39c5cf"),
		reserved: hex("#6e7681"),
		free:     hex("#484f58"),
	}
	st := &styles{}
	for t, style := range list {
		st.of[t] = chart.NewPen(style)
		st.selected[t] = chart.NewPen(style.Background(lipgloss.Color("#26374d")).Bold(true))
	}
	st.palette = st.newPalette(list)
	return st
}

// newPalette returns the pens of pictures. A state has its colour, paler where less is used.
func (s *styles) newPalette(list [tones]lipgloss.Style) chart.Palette {
	p := chart.Palette{
		Axis: s.of[border], Label: s.of[quiet], Threshold: s.of[fail], Failure: s.of[fail],
		Forecast: s.of[warn], Band: s.of[quiet], Now: s.of[strong],
	}
	for state, t := range [chart.States]tone{
		chart.Open: opened, chart.CloseWait: unclosed, chart.TimeWait: waiting, chart.Bound: bound,
		chart.Listener: listener, chart.Reserved: reserved, chart.Free: free,
	} {
		colour := list[t].GetForeground()
		for _, dark := range []float64{0.45, 0.25, 0} {
			p.State[state] = append(p.State[state], chart.NewPen(list[t].Foreground(lipgloss.Darken(colour, dark))))
		}
	}
	return p
}

func (s *styles) paint(t tone, text string) string { return s.paintRow(t, text, false) }

// paintRow paints a piece of a row, which keeps its tone under the cursor.
func (s *styles) paintRow(t tone, text string, cursor bool) string {
	switch {
	case text == "":
		return ""
	case cursor:
		return s.selected[t].Write(text)
	}
	return s.of[t].Write(text)
}
