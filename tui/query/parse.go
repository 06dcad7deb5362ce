package query

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/porttrace/porttrace/internal/nearest"
)

// Error is a term that is not valid.
type Error struct {
	Part  string // the term as typed
	Fault string // what it takes, or what is wrong with it

	field Field
}

func (e *Error) Error() string { return strings.TrimSuffix(e.Part, ":") + ": " + e.Fault }

// Parse reads a filter. The error is an *Error.
func Parse(text string) (*Query, error) {
	q, fault := parse(text)
	if fault != nil {
		return nil, fault
	}
	return q, nil
}

// While returns the filter in force while one is typed, after each change of the text: the
// text as a filter, or, with the error, what comes nearest. That is the last filter if it has
// a term of the field that is not valid now (dest:10.0.0.0 while dest:10.0.0.0/8 is typed),
// else the terms that are valid.
func While(text string, last *Query) (*Query, error) {
	q, fault := parse(text)
	if fault == nil {
		return q, nil
	}
	if last != nil && fault.field != Text && last.asks(fault.field) {
		return last, fault
	}
	return q, fault
}

// parse returns the terms that are valid, and the first that is not.
func parse(text string) (*Query, *Error) {
	q := &Query{text: strings.TrimSpace(text)}
	var fault *Error
	for _, token := range split(q.text) {
		if token.body == "" {
			continue // "!", an opening quote or slash: more is to come
		}
		t, err := parseTerm(token)
		switch {
		case err == nil:
			q.terms = append(q.terms, t)
		case fault == nil:
			fault = &Error{Part: token.text, Fault: err.Error(), field: t.field}
		}
	}
	return q, fault
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
	if near, ok := nearest.One(strings.ToLower(name), fieldNames()); ok {
		return fmt.Errorf("there is no field %s; did you mean %s:? As text it is \"%s\"", name, near, body)
	}
	return fmt.Errorf("there is no field %s; as text it is \"%s\"", name, body)
}

// isName reports whether a text can be the name of a field.
func isName(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r)) }) < 0
}

func isHex(text string) bool { return strings.Trim(strings.ToLower(text), "abcdef") == "" }
