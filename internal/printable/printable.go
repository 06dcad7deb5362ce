// Package printable makes text of other programs safe to show. The name of a process can
// hold any byte but NUL, so an unprivileged user could otherwise control the terminal of an
// administrator, or pass one name off as another.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow one another. Thai and
// Vietnamese need two; a long pile would be drawn over the neighbouring lines.
const maxMarks = 2

// String returns s with everything a terminal would not draw as a glyph of its
// own written out as in a Go string: control characters, format and bidi
// characters, blanks other than the space, marks without a letter to carry
// them, and bytes that are not UTF-8 (\x1b, \u202e, \xff). What it returns stays
// as it is when it is passed through again. A backslash is left alone, because
// systemd units are full of them: the result is for people and not to be parsed.
func String(s string) string {
	clean := cleanPrefix(s)
	if clean == len(s) {
		return s
	}
	var out strings.Builder
	out.WriteString(s[:clean])
	marks := maxMarks // a mark has nothing before it to sit on, until there is
	if clean > 0 {
		marks = 0
	}
	for rest := s[clean:]; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		marks = next(r, marks)
		if size == 1 && r == utf8.RuneError || marks > maxMarks || !visible(r) {
			out.WriteString(escape(r, rest[:size]))
			marks = min(marks, maxMarks)
		} else {
			out.WriteString(rest[:size])
		}
		rest = rest[size:]
	}
	return out.String()
}

// cleanPrefix returns the length of the leading printable ASCII, which is nearly always
// the whole name.
func cleanPrefix(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return i
		}
	}
	return len(s)
}

// next returns how many marks follow one another up to r.
func next(r rune, marks int) int {
	if unicode.IsMark(r) {
		return marks + 1
	}
	return 0
}

// visible reports whether a terminal draws the character. unicode.IsPrint leaves out controls, format
// characters, surrogates, private use and every blank but the space; some
// letters and marks are invisible all the same.
func visible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func escape(r rune, raw string) string {
	if r == utf8.RuneError && len(raw) == 1 {
		return `\x` + strconv.FormatUint(uint64(raw[0]), 16)
	}
	quoted := strconv.QuoteRuneToASCII(r)
	return quoted[1 : len(quoted)-1]
}
