package tui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/porttrace/porttrace/tui/chart"
	"github.com/porttrace/porttrace/tui/theme"
)

// tone is the meaning of a piece of text. It decides the style.
type tone uint8

const (
	plain  tone = iota
	quiet       // labels, and figures that are zero
	strong      // titles
	warn        // not failing yet, or not everything is visible
	fail        // something fails or was lost
	good        // nothing fails
	accent      // the tab shown, the column sorted by
	keyed       // a key in a hint
	border      // frames
	chip        // a filter or a setting that hides rows
	opened      // open connections
	tones       // how many there are
)

var roles = [tones]theme.Role{
	plain: theme.Text, quiet: theme.Dim, strong: theme.Title, warn: theme.Warn, fail: theme.Bad, good: theme.OK,
	accent: theme.Accent, keyed: theme.Key, border: theme.Border, chip: theme.Chip, opened: theme.Open,
}

// styles are those of a theme for the terminal of the screen.
type styles struct {
	theme   *theme.Styles
	pens    [tones]chart.Pen
	palette chart.Palette
	// inUse is the palette of curves of which it is not known what the ports are used for.
	inUse   chart.Palette
	braille bool // curves are drawn with dots
}

// newStyles returns the styles of a theme on a background, with the colours that a terminal has.
func newStyles(from theme.Theme, dark bool, profile colorprofile.Profile) *styles {
	s := &styles{theme: from.Styles(dark, profile)}
	for t := range tones {
		s.pens[t] = chart.NewPen(s.theme.Style(roles[t]))
	}
	s.palette = s.newPalette(dark, profile >= colorprofile.ANSI)
	s.inUse = s.palette
	s.inUse.State[chart.Open] = s.shades(theme.Accent, dark)
	return s
}

// newPalette returns the pens of pictures. A state has its colour, paler where less is used.
func (s *styles) newPalette(dark, colours bool) chart.Palette {
	p := chart.Palette{
		Axis: s.pen(theme.Border), Label: s.pen(theme.Dim), Threshold: s.pen(theme.Bad), Failure: s.pen(theme.Bad),
		Forecast: s.pen(theme.Warn), Band: s.pen(theme.Faint), Now: s.pen(theme.Title), Colours: colours,
	}
	for state, role := range [chart.States]theme.Role{
		chart.Open: theme.Open, chart.SynSent: theme.SynSent, chart.CloseWait: theme.CloseWait, chart.TimeWait: theme.TimeWait,
		chart.Bound: theme.Bound, chart.Listener: theme.Listener, chart.Reserved: theme.Reserved, chart.Free: theme.Free,
	} {
		p.State[state] = s.shades(role, dark)
	}
	return p
}

// shades returns the pens of a role from the palest to its own colour.
func (s *styles) shades(role theme.Role, dark bool) []chart.Pen {
	style := s.theme.Style(role)
	colour := style.GetForeground()
	if _, none := colour.(lipgloss.NoColor); none {
		return []chart.Pen{chart.NewPen(style)}
	}
	paler := lipgloss.Darken
	if !dark {
		paler = lipgloss.Lighten
	}
	return []chart.Pen{
		chart.NewPen(style.Foreground(paler(colour, 0.4))), chart.NewPen(style.Foreground(paler(colour, 0.2))), chart.NewPen(style),
	}
}

func (s *styles) pen(role theme.Role) chart.Pen { return chart.NewPen(s.theme.Style(role)) }

func (s *styles) paint(t tone, text string) string {
	if text == "" {
		return ""
	}
	return s.theme.Paint(roles[t], text)
}

// paintRow paints a piece of a row of the tone row. Under the cursor it keeps its own as far as the
// theme allows.
func (s *styles) paintRow(row, t tone, text string, cursor bool) string {
	switch {
	case text == "":
		return ""
	case cursor:
		return s.theme.PaintSelected(roles[row], roles[t], text)
	}
	return s.theme.Paint(roles[t], text)
}
