package prompt

// Styles paint the parts of a prompt. Those that are nil leave the text as it is.
type Styles struct {
	Text   func(string) string // what is typed
	Cursor func(string) string // the cell under the cursor; nil if the terminal shows its own
	Ghost  func(string) string // what Right would complete
	Name   func(string) string // of a candidate
	Help   func(string) string // beside it
	Chosen func(string) string // the candidate that is chosen, over the whole width
	Fault  func(string) string
}

func paint(style func(string) string, text string) string {
	if style == nil || text == "" {
		return text
	}
	return style(text)
}
