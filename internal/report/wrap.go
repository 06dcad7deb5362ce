package report

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// textWidth is what the narrowest terminal shows.
const textWidth = 80

// writeItem writes a text behind its mark, wrapped. Further lines begin below the first word.
func writeItem(out *bytes.Buffer, mark, text string) { wrap(out, mark, text, textWidth) }

// writeWide is writeItem beside tables.
func writeWide(out *bytes.Buffer, mark, text string) { wrap(out, mark, text, tableWidth) }

func wrap(out *bytes.Buffer, mark, text string, most int) {
	indent := utf8.RuneCountInString(mark)
	out.WriteString(mark)
	column := indent
	for i, word := range strings.Fields(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > most:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += width
	}
	out.WriteString("\n")
}
