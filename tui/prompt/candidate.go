package prompt

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/printable"
)

// candidate is what a line can become.
type candidate struct {
	line string // all of it
	name string // what the list shows
	help string
	rank int // the smallest first
}

// maxCandidates bounds the list of what an argument can be.
const maxCandidates = 1000

// candidates returns the commands, or the arguments, that a line can mean.
func (p *Prompt) candidates(line string) []candidate {
	name, arg, hasArg := split(line)
	if hasArg {
		return p.arguments(name, arg)
	}
	name = strings.ToLower(name)
	var found []candidate
	for i := range p.commands {
		c := &p.commands[i]
		best, ok := rank(c.Name, name)
		for _, alias := range c.Aliases {
			if r, matches := rank(alias, name); matches && (!ok || r < best) {
				best, ok = r, true
			}
		}
		if !ok {
			continue
		}
		line := c.Name
		if c.Args != nil {
			line += " "
		}
		found = append(found, candidate{line: line, name: names(c), help: c.Help, rank: best})
	}
	return sorted(found)
}

func (p *Prompt) arguments(name, arg string) []candidate {
	c, _ := p.named(name)
	if c == nil || c.Args == nil {
		return nil
	}
	var found []candidate
	for _, text := range c.Args(arg) {
		if len(found) == maxCandidates {
			break
		}
		if r, ok := rank(strings.ToLower(text), strings.ToLower(arg)); ok {
			found = append(found, candidate{line: c.Name + " " + text, name: text, rank: r})
		}
	}
	return sorted(found)
}

// sorted sorts by rank; those of the same rank stay in the order of the caller.
func sorted(found []candidate) []candidate {
	slices.SortStableFunc(found, func(a, b candidate) int { return a.rank - b.rank })
	return found
}

// names returns the name of a command with its aliases.
func names(c *Command) string {
	if len(c.Aliases) == 0 {
		return c.Name
	}
	return c.Name + " (" + strings.Join(c.Aliases, ", ") + ")"
}

// rank returns how well a text matches what is typed, 0 for the best: it is the text, its
// beginning, the beginning of a later word, a part, or letters of it in that order.
func rank(text, typed string) (int, bool) {
	switch i := strings.Index(text, typed); {
	case text == typed:
		return 0, true
	case i == 0:
		return 1, true
	case i > 0 && strings.IndexByte(" -_./:", text[i-1]) >= 0:
		return 2, true
	case len(typed) < 2:
		return 0, false // one letter is somewhere in most words
	case i > 0:
		return 3, true
	}
	rest := text
	for _, r := range typed {
		i := strings.IndexRune(rest, r)
		if i < 0 {
			return 0, false
		}
		rest = rest[i+utf8.RuneLen(r):]
	}
	return 4, true
}

// ghost returns what the best candidate adds to the text, if the text is its beginning.
func (p *Prompt) ghost() string {
	if p.chosen >= 0 || p.past < len(p.history) || p.typed == "" || !p.input.AtEnd() || p.fault != "" {
		return ""
	}
	for _, c := range p.found {
		if rest, is := strings.CutPrefix(c.line, p.typed); is {
			return strings.TrimRight(printable.String(rest), " ")
		}
	}
	return ""
}
