package tui

// note is what a key has done, or why it does nothing here, in the last line until the next key.
type note struct {
	tone tone
	text string
}

func (m *Model) say(t tone, text string) { m.note = note{t, text} }
