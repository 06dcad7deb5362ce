package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/tui/prompt"
	"github.com/porttrace/porttrace/tui/query"
)

// filter has the terms that a row must match.
type filter struct {
	input  prompt.Input
	typing bool
	query  *query.Query // what is in force
	fault  string       // why not all of the text is
}

func (f *filter) text() string { return f.input.Text() }

// press takes a key while the filter is typed.
func (f *filter) press(msg tea.KeyPressMsg) {
	switch msg.Keystroke() {
	case "enter":
		f.typing = f.fault != "" // else a filter that leaves out nothing would stay beside the rows
	case "esc", "ctrl+c":
		*f = filter{}
	case "backspace":
		f.typing = f.text() != ""
		f.edit(msg)
	default:
		f.edit(msg)
	}
}

func (f *filter) edit(msg tea.KeyPressMsg) {
	f.input.Press(msg)
	f.parse()
}

// set puts another text in force.
func (f *filter) set(text string) {
	*f = filter{}
	f.input.Set(text)
	f.parse()
}

// complete completes the last word to the only field of the table whose name begins with it.
func (f *filter) complete(fields query.Set) {
	names := query.Complete(f.text(), fields)
	if len(names) != 1 || !f.input.AtEnd() {
		return
	}
	text := f.text()
	f.input.Set(text[:strings.LastIndexAny(text, " \t\r\n")+1] + names[0])
	f.parse()
}

// paste inserts text at the cursor.
func (f *filter) paste(text string) {
	f.input.Insert(text)
	f.parse()
}

func (f *filter) parse() {
	q, err := query.While(f.text(), f.query)
	f.query, f.fault = q, ""
	if err != nil {
		f.fault = err.Error()
	}
}
