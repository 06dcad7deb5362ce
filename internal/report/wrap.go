package report

import (
	"bytes"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/phrase"
)

// textWidth is what the narrowest terminal shows.
const textWidth = 80

// writeItem writes a text behind its mark, wrapped. Further lines begin below the first word.
func writeItem(out *bytes.Buffer, mark, text string) { wrap(out, mark, text, textWidth) }

// writeWide is writeItem beside tables.
func writeWide(out *bytes.Buffer, mark, text string) { wrap(out, mark, text, tableWidth) }

func wrap(out *bytes.Buffer, mark, text string, most int) {
	out.WriteString(mark)
	phrase.Wrap(out, utf8.RuneCountInString(mark), text, most)
}
