// Package prompt is the line after ":" with its commands: completion, history, and the text
// that is edited, which the filter after "/" has as well (Input).
//
//	p := prompt.New([]prompt.Command{{Name: "destinations", Aliases: []string{"dest"}, Help: "...", Run: run}})
//	p.Open("")                       // ":" was pressed
//	if p.Press(msg) != prompt.Typing // a key; the prompt has ended
//	lines := p.View(80, 8, &styles)
//
// A name may be shortened as long as only one command begins with it. Tab and Shift+Tab, and
// the arrows when there is something typed, choose a candidate; Right accepts the ghost; Up
// and Down without a choice, and Ctrl+P and Ctrl+N, go through the history: the entries that
// begin with what was typed.
package prompt

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// Command is one command of a prompt.
type Command struct {
	Name    string
	Aliases []string
	Help    string // one line
	// Args returns what an argument can be, for the beginning that is typed; what does not
	// match that is left out. Nil if there is nothing to choose from.
	Args func(prefix string) []string
	// Run does it. The argument is without blanks around it. An error stays on the prompt.
	Run func(arg string) error
}

// Result is what a key did.
type Result uint8

const (
	Typing Result = iota // the prompt goes on
	Ran                  // a command ran: the prompt has ended
	Left                 // it was left
)

// maxHistory is the number of lines that are kept.
const maxHistory = 100

// Prompt is a line of a command. Its methods are for one goroutine.
type Prompt struct {
	// Other runs text that begins with no command, as a time of a replay. It reports whether
	// it knows such text. May be nil.
	Other func(text string) (known bool, err error)

	commands []Command
	input    Input
	typed    string // what candidates are for; the input has the chosen one
	found    []candidate
	chosen   int // in found, -1 for none
	fault    string

	history []string // the newest last
	past    int      // the entry shown, len(history) for none
}

// New returns a prompt with these commands.
func New(commands []Command) *Prompt {
	p := &Prompt{commands: commands}
	p.Open("")
	return p
}

// Open begins a line with a text.
func (p *Prompt) Open(text string) {
	p.input.Set(text)
	p.past = len(p.history)
	p.edited()
}

// Text returns what the line has.
func (p *Prompt) Text() string { return p.input.Text() }

// Paste inserts text at the cursor.
func (p *Prompt) Paste(text string) {
	p.input.Insert(text)
	p.edited()
}

// Press takes a key.
func (p *Prompt) Press(msg tea.KeyPressMsg) Result {
	switch msg.Keystroke() {
	case "esc", "ctrl+c", "ctrl+g":
		return Left
	case "enter":
		return p.run()
	case "tab":
		p.complete()
	case "shift+tab":
		p.choose(-1)
	case "down":
		p.down()
	case "up":
		p.up()
	case "ctrl+p":
		p.recall(-1)
	case "ctrl+n":
		p.recall(1)
	default:
		return p.edit(msg)
	}
	return Typing
}

// edit takes a key that edits. Backspace in an empty line leaves it, as in vi.
func (p *Prompt) edit(msg tea.KeyPressMsg) Result {
	key := msg.Keystroke()
	if key == "backspace" && p.input.Text() == "" {
		return Left
	}
	if ghost := p.ghost(); ghost != "" && (key == "right" || key == "ctrl+f" || key == "end" || key == "ctrl+e") {
		p.input.Insert(ghost)
		p.edited()
		return Typing
	}
	before := p.input.Text()
	p.input.Press(msg)
	if p.input.Text() != before {
		p.past = len(p.history)
		p.edited()
	}
	return Typing
}

// edited finds the candidates for a text that has changed.
func (p *Prompt) edited() {
	p.typed, p.chosen, p.fault = p.input.Text(), -1, ""
	p.found = p.candidates(p.typed)
}

// complete takes the only candidate, or chooses the next.
func (p *Prompt) complete() {
	if len(p.found) == 1 {
		p.input.Set(p.found[0].line)
		p.edited()
		return
	}
	p.choose(1)
}

// choose moves the choice, and past the ends to what was typed.
func (p *Prompt) choose(by int) {
	if len(p.found) == 0 {
		return
	}
	n := len(p.found) + 1
	p.chosen = (p.chosen+1+by+n)%n - 1
	p.fault = ""
	if p.chosen < 0 {
		p.input.Set(p.typed)
		return
	}
	p.input.Set(strings.TrimRight(p.found[p.chosen].line, " "))
}

func (p *Prompt) down() {
	if p.past < len(p.history) {
		p.recall(1)
		return
	}
	p.choose(1)
}

func (p *Prompt) up() {
	if p.chosen >= 0 {
		p.choose(-1)
		return
	}
	p.recall(-1)
}

// recall shows the next older or newer line that begins with what was typed.
func (p *Prompt) recall(by int) {
	for i := p.past + by; i >= 0 && i <= len(p.history); i += by {
		switch {
		case i == len(p.history):
			p.input.Set(p.typed)
		case strings.HasPrefix(p.history[i], p.typed):
			p.input.Set(p.history[i])
		default:
			continue
		}
		p.past, p.chosen, p.fault = i, -1, ""
		return
	}
}

// remember adds a line to the history, as the newest.
func (p *Prompt) remember(line string) {
	for i, other := range p.history {
		if other == line {
			p.history = append(p.history[:i], p.history[i+1:]...)
			break
		}
	}
	p.history = append(p.history, line)
	if len(p.history) > maxHistory {
		p.history = p.history[1:]
	}
}
