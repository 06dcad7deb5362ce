package tui

import "charm.land/lipgloss/v2"

// tone is what a piece of text means; the style follows from it.
type tone uint8

const (
	plain  tone = iota
	quiet       // labels
	strong      // titles
	warn        // not wrong yet, or less is seen than could be
	fail        // something fails or was lost
	chosen      // the row under the cursor, the tab shown
)

// styles are all there are. Colours come from the terminal's own first sixteen,
// which its owner can read on its background; the rest is weight, so that the
// screen works without colours.
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
