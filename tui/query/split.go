package query

import "strings"

// token is a term as typed, taken apart.
type token struct {
	text       string // with its signs
	body       string // without "!", quotes or slashes
	not        bool
	quoted     bool // all of it is in quotes
	expression bool // it is between slashes
}

// split returns the terms of a text.
func split(text string) []token {
	var tokens []token
	for {
		text = strings.TrimLeft(text, blanks)
		if text == "" {
			return tokens
		}
		t, size := firstToken(text)
		t.text = text[:size]
		tokens = append(tokens, t)
		text = text[size:]
	}
}

const blanks = " \t\r\n"

// firstToken returns the term that a text begins with, and its length with all signs.
func firstToken(text string) (token, int) {
	var t token
	rest := text
	for strings.HasPrefix(rest, "!") {
		t.not = !t.not
		rest = rest[1:]
	}
	skipped := len(text) - len(rest)
	switch {
	case strings.HasPrefix(rest, `"`):
		body, size := quoted(rest)
		t.quoted, t.body = true, body
		return t, skipped + size
	case strings.HasPrefix(rest, "/"):
		if body, size, ok := expressionBody(rest); ok {
			t.expression, t.body = true, body
			return t, skipped + size
		}
	}
	size := wordEnd(rest)
	t.body = rest[:size]
	return t, skipped + size
}

// quoted returns what is between the quote that a text begins with and the next, or the end.
func quoted(text string) (body string, size int) {
	end := strings.IndexByte(text[1:], '"')
	if end < 0 {
		return text[1:], len(text)
	}
	return text[1 : 1+end], end + 2
}

// expressionBody returns the regular expression that a text begins with. It ends at a slash
// before a blank or the end, or, as long as that is not typed, at the next blank. A slash
// within makes it a path, except \/.
func expressionBody(text string) (body string, size int, ok bool) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '/':
			closed := i+1 == len(text) || strings.IndexByte(blanks, text[i+1]) >= 0
			return text[1:i], i + 1, closed
		}
	}
	size = wordEnd(text)
	return text[1:size], size, true
}

// wordEnd returns where the word or field that a text begins with ends: at a blank, but not
// within the quotes of a value, as in comm:"a b", nor after < or >, as in > 80%.
func wordEnd(text string) int {
	start := 0
	if strings.HasPrefix(text, "<") || strings.HasPrefix(text, ">") {
		start = len(text) - len(strings.TrimLeft(text, "<>= "))
	}
	inQuotes := false
	for i := start; i < len(text); i++ {
		switch {
		case text[i] == '"':
			inQuotes = !inQuotes && i > 0 && (text[i-1] == ':' || text[i-1] == ',')
		case !inQuotes && strings.IndexByte(blanks, text[i]) >= 0:
			return i
		}
	}
	return len(text)
}
