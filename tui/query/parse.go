package query

import (
	"fmt"
	"strings"
	"unicode"
)

// Error is a term that is not valid.
type Error struct {
	Part  string // the term as typed
	Fault string // what it takes, or what is wrong with it
}

func (e *Error) Error() string { return e.Part + ": " + e.Fault }

// Parse reads a filter. The error is an *Error.
func Parse(text string) (*Query, error) {
	q := &Query{text: strings.TrimSpace(text)}
	for _, token := range split(q.text) {
		if token.body == "" {
			continue // "!", an opening quote or slash: more is to come
		}
		t, err := parseTerm(token)
		if err != nil {
			return nil, &Error{Part: token.text, Fault: err.Error()}
		}
		q.terms = append(q.terms, t)
	}
	return q, nil
}

func parseTerm(token token) (term, error) {
	t := term{text: token.text, not: token.not}
	var err error
	switch {
	case token.quoted:
		t.condition = newWord(token.body)
	case token.expression:
		t.condition, err = newExpression(token.body)
	case strings.ContainsAny(token.body[:1], "<>"):
		t.field, t.condition, err = parseComparison(token.body)
	default:
		t.field, t.condition, err = parseFieldOrWord(token.body)
	}
	return t, err
}

func parseFieldOrWord(body string) (Field, condition, error) {
	name, value, found := strings.Cut(body, ":")
	if !found || !isName(name) {
		return Text, newWord(body), nil
	}
	f, ok := fieldNamed(name)
	if !ok {
		if isHex(name) { // fd00 would not be a name, but face:b00c: is an address
			return Text, newWord(body), nil
		}
		return Text, nil, unknownField(name, body)
	}
	p := &properties[f]
	if value == "" {
		return f, nil, fmt.Errorf("takes %s", p.takes)
	}
	c, err := p.parse(f, value)
	return f, c, err
}

func unknownField(name, body string) error {
	if near, ok := nearest(name); ok {
		return fmt.Errorf("there is no field %s; did you mean %s:? As text it is \"%s\"", name, near, body)
	}
	return fmt.Errorf("there is no field %s; as text it is \"%s\"", name, body)
}

// nearest returns the field whose name is one edit from a name, or begins with it.
func nearest(name string) (string, bool) {
	name = strings.ToLower(name)
	for f := range fieldCount {
		p := &properties[f]
		if p.name != "" && (oneEdit(p.name, name) || len(name) > 1 && strings.HasPrefix(p.name, name) || strings.HasPrefix(name, p.name)) {
			return p.name, true
		}
	}
	return "", false
}

// oneEdit reports whether one letter was added, left out, replaced or swapped with the next.
func oneEdit(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// isName reports whether a text can be the name of a field.
func isName(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r)) }) < 0
}

func isHex(text string) bool { return strings.Trim(strings.ToLower(text), "abcdef") == "" }
