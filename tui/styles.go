package tui

import "charm.land/lipgloss/v2"

// tone is the meaning of a piece of text. It decides the style.
type tone uint8

const (
	plain  tone = iota
	quiet       // labels
	strong      // titles
	warn        // not failing yet, or not everything is visible
	fail        // something fails or was lost
	chosen      // the row under the cursor, the tab shown
)

// styles has the style of each tone. Colours are among the terminal's first sixteen, which
// its theme makes readable; the rest is weight, so that the screen works without colours.
type styles [chosen + 1]lipgloss.Style

func newStyles() *styles {
	return &styles{
		quiet:  lipgloss.NewStyle().Faint(true),
		strong: lipgloss.NewStyle().Bold(true),
		warn:   lipgloss.NewStyle().Foreground(lipgloss.Yellow),
		fail:   lipgloss.NewStyle().Foreground(lipgloss.Red),
		chosen: lipgloss.NewStyle().Reverse(true),
	}
}

func (s *styles) paint(t tone, text string) string {
	if t == plain || text == "" {
		return text
	}
	return s[t].Render(text)
}
