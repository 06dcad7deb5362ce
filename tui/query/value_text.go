package query

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

func newWord(text string) *word {
	w := &word{text: appendLower(nil, text), pid: -1}
	if pid, err := strconv.ParseUint(text, 10, 32); err == nil {
		w.pid = float64(pid)
	}
	return w
}

// newExpression compiles a regular expression for the text of a row: ^ and $ are the ends of
// a value, and the dot also matches what is between two of them.
func newExpression(text string) (*expression, error) {
	compiled, err := regexp.Compile("(?ms)" + text)
	if err != nil {
		return nil, errors.New("not a regular expression: " + reason(err))
	}
	return &expression{Regexp: compiled, exact: hasUpper(text)}, nil
}

// reason returns what is wrong with a regular expression, without what was put around it.
func reason(err error) string {
	var fault *syntax.Error
	if errors.As(err, &fault) {
		return fault.Code.String()
	}
	return err.Error()
}

// hasUpper reports whether an expression asks for upper case: by a letter that is no escape
// as in \S, or by the name of a class.
func hasUpper(text string) bool {
	if strings.Contains(text, "[:upper:]") {
		return true
	}
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
			if r == 'p' || r == 'P' || r == 'x' || r == 'Q' { // \p{Lu}, \x41, \Q...\E
				return true
			}
		case r == '\\':
			escaped = true
		case unicode.IsUpper(r):
			return true
		}
	}
	return false
}

// parseTexts reads the value of a field of text: an expression between slashes, text in
// quotes, or texts and patterns with commas between them.
func parseTexts(f Field, value string) (condition, error) {
	c := &fieldTexts{field: f}
	parts := splitList(value)
	if _, _, whole := expressionIn(value); whole { // it may have commas
		parts = []string{value}
	}
	for _, part := range parts {
		t, err := parseText(part)
		if err != nil {
			return nil, err
		}
		if t.expression != nil || len(t.part) > 0 {
			c.any = append(c.any, t)
		}
	}
	return c, takes(f, len(c.any) > 0)
}

func parseText(text string) (fieldText, error) {
	if body, _, ok := expressionIn(text); ok {
		e, err := newExpression(body)
		return fieldText{expression: e}, err
	}
	if inner, found := strings.CutPrefix(text, `"`); found {
		return fieldText{part: appendLower(nil, strings.TrimSuffix(inner, `"`))}, nil
	}
	if strings.ContainsAny(text, "*?") {
		return fieldText{expression: pattern(text)}, nil
	}
	return fieldText{part: appendLower(nil, text)}, nil
}

// expressionIn returns the regular expression that all of a value is.
func expressionIn(value string) (body string, size int, ok bool) {
	if !strings.HasPrefix(value, "/") {
		return "", 0, false
	}
	body, size, ok = expressionBody(value)
	return body, size, ok && size == len(value) && body != ""
}

// takes returns the error of a field whose value is not valid.
func takes(f Field, valid bool) error {
	if valid {
		return nil
	}
	return errors.New("takes " + properties[f].takes)
}

// splitList splits at commas outside of quotes.
func splitList(value string) []string {
	inQuotes := false
	return strings.FieldsFunc(value, func(r rune) bool {
		if r == '"' {
			inQuotes = !inQuotes
		}
		return r == ',' && !inQuotes
	})
}

// pattern returns the expression of a pattern with * and ?, for a whole value in lower case.
func pattern(text string) *expression {
	text = regexp.QuoteMeta(string(appendLower(nil, text)))
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\*`, ".*"), `\?`, ".")
	return &expression{Regexp: regexp.MustCompile(`(?s)^` + text + `$`)}
}
