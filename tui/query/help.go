package query

import (
	"slices"
	"strings"
)

// Help returns each form of a term with its meaning, in the order to show them. The forms are
// valid filters.
func Help() [][2]string {
	help := [][2]string{
		{`nginx`, "has this text; upper and lower case are the same"},
		{`!nginx`, "does not; ! negates every form"},
		{`"a b"`, "has this text, with the blank"},
		{`/^ngi.x/`, "has a match of this regular expression; with upper case in it, case counts"},
		{`>80%`, "more of the ports taken; also <, >=, <="},
		{`>100/s`, "more connections per second"},
	}
	for _, f := range [...]Field{PID, Dest, Source, Port, Comm} {
		help = append(help, [2]string{properties[f].example, properties[f].meaning})
	}
	for f := range fieldCount {
		if properties[f].name != "" && !slices.ContainsFunc(help, func(h [2]string) bool { return h[0] == properties[f].example }) {
			help = append(help, [2]string{properties[f].example, properties[f].meaning})
		}
	}
	return help
}

// Complete returns the fields of a table whose name begins with the last word of a filter, as
// that word should be: "!uni" becomes "!unit:".
func Complete(text string, has Set) []string {
	tokens := split(text)
	if len(tokens) == 0 || strings.ContainsAny(text[len(text)-1:], blanks) {
		return nil
	}
	last := tokens[len(tokens)-1]
	if last.quoted || last.expression || !isName(last.body) {
		return nil
	}
	var names []string
	before := last.text[:len(last.text)-len(last.body)]
	for f := range fieldCount {
		if p := &properties[f]; has.Has(f) && p.completes(last.body) {
			names = append(names, before+p.name+":")
		}
	}
	return names
}
