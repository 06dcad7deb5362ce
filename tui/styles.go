package tui

import (
	"strings"

	"charm.land/lipgloss/v2"
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

// ink is what a terminal gets before and after a text of one style.
type ink struct{ before, after string }

// inkOf takes a style apart, as rendering each of a thousand cells through it is slow.
func inkOf(style lipgloss.Style) ink {
	const mark = "x"
	before, after, _ := strings.Cut(style.Render(mark), mark)
	return ink{before, after}
}

// styles has the ink of each tone, as it is and for the row under the cursor.
type styles struct{ of, selected [tones]ink }

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
		st.of[t] = inkOf(style)
		st.selected[t] = inkOf(style.Background(lipgloss.Color("#26374d")).Bold(true))
	}
	return st
}

func (s *styles) paint(t tone, text string) string { return s.paintRow(t, text, false) }

// paintRow paints a piece of a row, which keeps its tone under the cursor.
func (s *styles) paintRow(t tone, text string, cursor bool) string {
	with := s.of[t]
	if cursor {
		with = s.selected[t]
	}
	if text == "" || with.before == "" {
		return text
	}
	return with.before + text + with.after
}
