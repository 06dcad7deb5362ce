package terminal

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// keys are what a keyboard sends for keys that are no characters.
var keys = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdown": "\x1b[6~",
	"ctrl+c": "\x03", "ctrl+d": "\x04", "ctrl+l": "\x0c", "ctrl+u": "\x15", "ctrl+z": "\x1a",
}

// Press presses keys: characters, or names such as "enter", "down" and "ctrl+c".
func (t *Terminal) Press(names ...string) error {
	for _, name := range names {
		sent, ok := keys[name]
		if !ok && utf8.RuneCountInString(name) != 1 {
			return fmt.Errorf("no key %q", name)
		}
		if !ok {
			sent = name
		}
		if err := t.Type(sent); err != nil {
			return err
		}
	}
	return nil
}

// Type sends text as if it was typed.
func (t *Terminal) Type(text string) error {
	t.disturb()
	if _, err := io.WriteString(t.keyboard, text); err != nil {
		return fmt.Errorf("typing: %w", err)
	}
	return nil
}
