package tui

import tea "charm.land/bubbletea/v2"

// filter has the words that a row must contain.
type filter struct {
	lineInput
	typing bool
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
	default:
		f.lineInput.press(msg)
	}
}
