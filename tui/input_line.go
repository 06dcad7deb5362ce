package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/printable"
)

// maxInput bounds what is typed or pasted, in bytes.
const maxInput = 256

// lineInput is one line of text while it is typed.
type lineInput struct{ text string }

// press edits the text.
func (l *lineInput) press(msg tea.KeyPressMsg) {
	switch msg.Keystroke() {
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(l.text)
		l.text = l.text[:len(l.text)-size]
	case "ctrl+u":
		l.text = ""
	case "ctrl+w":
		words := strings.TrimRight(l.text, " ")
		l.text = words[:strings.LastIndex(words, " ")+1]
	default:
		l.insert(msg.Text)
	}
}

// insert appends text that was typed or pasted, made printable as the text on the screen
// is that a filter is compared with.
func (l *lineInput) insert(text string) {
	if len(l.text)+len(text) <= maxInput {
		l.text += printable.String(text)
	}
}
