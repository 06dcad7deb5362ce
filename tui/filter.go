package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/printable"
)

// maxFilter bounds what is typed or pasted, in bytes.
const maxFilter = 256

// filter is the words that rows must have.
type filter struct {
	text   string
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
		if f.text == "" {
			f.typing = false
		}
		_, size := utf8.DecodeLastRuneInString(f.text)
		f.text = f.text[:len(f.text)-size]
	case "ctrl+u":
		f.text = ""
	case "ctrl+w":
		words := strings.TrimRight(f.text, " ")
		f.text = words[:strings.LastIndex(words, " ")+1]
	default:
		f.insert(msg.Text)
	}
}

// insert adds text that was typed or pasted. It is compared with what is on the
// screen, so it is made the same way.
func (f *filter) insert(text string) {
	if len(f.text)+len(text) <= maxFilter {
		f.text += printable.String(text)
	}
}
