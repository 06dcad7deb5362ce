package phrase

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Wrap writes a text in lines of at most width characters, and a newline. The first line begins
// where the caller has left it, at the column indent, and further ones at the same.
func Wrap(out *bytes.Buffer, indent int, text string, width int) {
	column := indent
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+length > width:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += length
	}
	out.WriteString("\n")
}
