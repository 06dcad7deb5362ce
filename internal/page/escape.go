package page

import (
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/printable"
)

// apart is nothing that is shown, but what stands on its sides is not read as one word: GitHub makes
// links of addresses, mentions and issues whether they are escaped or not.
const apart = "<!-- -->"

// escape returns a text that Markdown shows as it is. It is one line.
func escape(text string) string {
	text = printable.String(text)
	var out strings.Builder
	for i, r := range text {
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		rest := text[i+utf8.RuneLen(r):]
		after, _ := utf8.DecodeRuneInString(rest)
		out.WriteString(escaped(r, before, after, begins(text[:i])))
		if joins(text[:i], r, rest) {
			out.WriteString(apart)
		}
	}
	return out.String()
}

// begins reports whether what comes after a text could still make a list or a heading of the line.
func begins(text string) bool { return strings.Trim(text, "0123456789") == "" }

// escaped returns a character between others, RuneError for none; first: at the beginning of a line,
// or after its number.
func escaped(r, before, after rune, first bool) string {
	switch r {
	case '\\', '`', '*', '[', ']', '|', '$', '~':
		return `\` + string(r)
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		if after == '#' || wordRune(after) {
			return "&amp;"
		}
	case '_':
		if !wordRune(before) || !wordRune(after) { // else it is part of a name
			return `\_`
		}
	case '#', '-', '+', '=':
		if before == utf8.RuneError {
			return `\` + string(r)
		}
	case '.', ')':
		if first && digit(before) && (after == ' ' || after == utf8.RuneError) { // 1. begins a list
			return `\` + string(r)
		}
	}
	return string(r)
}

// joins reports whether GitHub would read a character and what is around it as a link.
func joins(before string, r rune, rest string) bool {
	switch r {
	case '@':
		return true
	case '#':
		return rest != "" && digit(rune(rest[0]))
	case ':':
		return strings.HasPrefix(rest, "//")
	case 'w', 'W':
		return strings.HasPrefix(rest, ".") && strings.HasSuffix(strings.ToLower(before), "ww")
	case '-': // GH-12
		return strings.HasSuffix(strings.ToLower(before), "gh")
	}
	return false
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func wordRune(r rune) bool {
	return digit(r) || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
