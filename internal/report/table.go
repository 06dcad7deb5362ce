package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// table is aligned text: columns named in left to the left, those of numbers to the right.
type table struct {
	head []string
	left string
	rows [][]string
}

// add appends a row and makes its cells printable: a recording can hold any text.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = printable.String(cell)
	}
	t.rows = append(t.rows, cells)
}

// write writes the table unless it has no rows. more is how many rows it does not list.
func (t *table) write(out *bytes.Buffer, title string, more int) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", title)
	widths := t.widths()
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.isLeft(i) {
				line.WriteString("  " + cell + padding)
			} else {
				line.WriteString("  " + padding + cell)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
}

func (t *table) isLeft(column int) bool {
	return slices.Contains(strings.Fields(t.left), t.head[column])
}

func (t *table) widths() []int {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func top[T any](rows []T) []T { return rows[:min(len(rows), topRows)] }

// totalCells are the cells that processes and destinations share.
func totalCells(t *snapshot.Totals, r snapshot.Rates) []string {
	lifetime := ""
	if t.LifetimeP50 > 0 {
		lifetime = phrase.Duration(t.LifetimeP50)
	}
	return []string{
		phrase.Grouped(t.Opens), fmt.Sprintf("%.1f", r.Opens), phrase.Grouped(t.Live()), phrase.Grouped(t.TimeWaitOut),
		phrase.Grouped(t.Failed()), lifetime,
	}
}

// group returns the container by its short id, else the unit, else the executable.
func group(p *event.Process) string {
	return cmp.Or(shortID(p.Container), p.Unit, p.Exe)
}

// shortID returns the id of a container as its tools print it.
func shortID(id string) string { return id[:min(len(id), 12)] }
