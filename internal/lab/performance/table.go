package performance

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table returns lines of cells, of which the first has the titles, as a table in Markdown that is
// aligned for a terminal, too.
func Table(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	write := func(cell func(column int) string, fill string) {
		for i, width := range widths {
			fmt.Fprintf(&b, "| %s%s ", cell(i), strings.Repeat(fill, width-utf8.RuneCountInString(cell(i))))
		}
		b.WriteString("|\n")
	}
	for i, line := range lines {
		write(func(column int) string { return line[column] }, " ")
		if i == 0 {
			write(func(int) string { return "" }, "-")
		}
	}
	return b.String()
}
