package prompt

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/nearest"
)

// split returns the name of the command in a line and its argument.
func split(line string) (name, arg string, hasArg bool) {
	line = strings.TrimLeft(line, " ")
	name, arg, hasArg = strings.Cut(line, " ")
	return name, strings.TrimLeft(arg, " "), hasArg
}

// run runs the line. One that fails stays, with the fault.
func (p *Prompt) run() Result {
	line := strings.TrimSpace(p.input.Text())
	if line == "" {
		return Left
	}
	if fault := p.runLine(line); fault != "" {
		p.edited()
		p.fault = fault
		return Typing
	}
	p.remember(line)
	return Ran
}

// runLine returns what is wrong, or "".
func (p *Prompt) runLine(line string) (fault string) {
	name, arg, _ := split(line)
	command, fault := p.named(name)
	if command == nil {
		if p.Other != nil {
			if known, err := p.Other(line); known {
				return text(err)
			}
		}
		return fault
	}
	return text(command.Run(strings.TrimSpace(arg)))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// named returns the command with a name, an alias, or the beginning of a name that no other
// command has; else what is wrong.
func (p *Prompt) named(name string) (*Command, string) {
	name = strings.ToLower(name)
	var begun []*Command
	for i := range p.commands {
		c := &p.commands[i]
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c, ""
		}
		if strings.HasPrefix(c.Name, name) {
			begun = append(begun, c)
		}
	}
	switch len(begun) {
	case 0:
		return nil, p.unknown(name)
	case 1:
		return begun[0], ""
	}
	return nil, "which command: " + or(begun) + "?"
}

func (p *Prompt) unknown(name string) string {
	var names []string
	for _, c := range p.commands {
		names = append(append(names, c.Name), c.Aliases...)
	}
	if near, ok := nearest.One(name, names); ok {
		return "no command " + name + "; did you mean " + near + "?"
	}
	return "no command " + name + "; Tab on an empty line shows all"
}

// or returns the names of at most five commands, as in "a, b or c".
func or(commands []*Command) string {
	const most = 5
	var names []string
	for _, c := range commands[:min(len(commands), most)] {
		names = append(names, c.Name)
	}
	if len(commands) > most {
		return strings.Join(names, ", ") + " ..."
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
