package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/tui/query"
)

// filter has the terms that a row must match.
type filter struct {
	lineInput
	typing bool
	query  *query.Query // the newest text that was a filter
	fault  string       // why the text is none
}

// press takes a key while the filter is typed.
func (f *filter) press(msg tea.KeyPressMsg) {
	switch msg.Keystroke() {
	case "enter":
		f.typing = false
	case "esc":
		*f = filter{}
	case "backspace":
		f.typing = f.text != ""
		f.lineInput.press(msg)
		f.parse()
	default:
		f.lineInput.press(msg)
		f.parse()
	}
}

// parse keeps the last filter while what is typed is none yet.
func (f *filter) parse() {
	q, err := query.Parse(f.text)
	if err != nil {
		f.fault = err.Error()
		return
	}
	f.query, f.fault = q, ""
}
