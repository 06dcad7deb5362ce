package tui

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// column is how one thing is drawn. Its name says what it is ordered by; a
// column without an order of its own has none.
type column[T any] struct {
	name  string
	title string
	// rank decides which columns a narrow terminal shows: the least first.
	rank int
	// min is the width it needs, max the one it can use; 0 is min.
	min, max int
	left     bool // text starts at the left, numbers end at the right
	rising   bool // its order is from small to great
	cell     func(row *T, width int) string
	tone     func(row *T) tone // nil is plain

	compare snapshot.Column[T]
	need    int // the widest cell so far, where max is above min
	width   int
}

// ordered gives the columns the orders of the same names.
func ordered[T any](columns []column[T], orders []snapshot.Column[T]) []column[T] {
	for i := range columns {
		columns[i].compare, _ = snapshot.ColumnNamed(orders, columns[i].name)
	}
	return columns
}

// fitColumns chooses the columns for a width, in the order of their ranks, and
// shares out what is left over. The column sorted by is always there.
func fitColumns[T any](columns []column[T], width int, sorted string) []column[T] {
	byRank := slices.Clone(columns)
	slices.SortStableFunc(byRank, func(a, b column[T]) int { return a.priority(sorted) - b.priority(sorted) })
	used, chosen := 0, map[string]bool{}
	for i, c := range byRank {
		// One gap before each column; the first one's is where the cursor stands.
		if used += c.min + 1; used > width && i > 0 {
			used -= c.min + 1
			break
		}
		chosen[c.title] = true
	}
	fitted := slices.Clone(columns)
	fitted = slices.DeleteFunc(fitted, func(c column[T]) bool { return !chosen[c.title] })
	share(fitted, width-used)
	return fitted
}

// measured is how many rows are looked at to see what room their texts need.
const measured = 1000

// measure notes what room the texts need. It only grows, so that columns do not
// jump from one snapshot to the next.
func measure[T any](columns []column[T], rows []T) {
	for i := range columns {
		c := &columns[i]
		if c.max <= c.min {
			continue
		}
		c.need = max(c.need, cells(c.title)+1)
		for j := range min(len(rows), measured) {
			c.need = min(max(c.need, cells(c.cell(&rows[j], c.max))), c.max)
		}
	}
}

// priority puts what a row is called first, then what it is sorted by.
func (c *column[T]) priority(sorted string) int {
	switch {
	case c.rank == 0:
		return -2
	case c.name != "" && c.name == sorted:
		return -1
	}
	return c.rank
}

// share gives the columns what they need, as far as there is room, evenly.
func share[T any](columns []column[T], room int) {
	for i := range columns {
		c := &columns[i]
		c.width = c.min
		if c.max > c.min && c.need < c.min {
			room += c.min - c.need
			c.width = c.need
		}
	}
	for given := true; given && room > 0; {
		given = false
		for i := range columns {
			if c := &columns[i]; c.width < c.need && room > 0 {
				c.width++
				room--
				given = true
			}
		}
	}
}

// headLine is the titles; the sorted one is marked with the way its values go.
func headLine[T any](columns []column[T], sorted string, reverse bool, st *styles) string {
	var line strings.Builder
	for _, c := range columns {
		title := c.title
		if c.name != "" && c.name == sorted {
			mark := "▼"
			if c.rising != reverse {
				mark = "▲"
			}
			title += mark
		}
		line.WriteString(" " + pad(title, c.width, !c.left))
	}
	return st.paint(strong, line.String())
}

// rowLine is one row. The one under the cursor is marked by a sign too, for
// terminals that show no weight.
func rowLine[T any](columns []column[T], row *T, cursor bool, st *styles) string {
	var line strings.Builder
	for i, c := range columns {
		text := pad(c.cell(row, c.width), c.width, !c.left)
		if !cursor && c.tone != nil {
			text = st.paint(c.tone(row), text)
		}
		if cursor && i == 0 {
			line.WriteString(">" + text)
		} else {
			line.WriteString(" " + text)
		}
	}
	if cursor {
		return st.paint(chosen, line.String())
	}
	return line.String()
}

// listing draws rows that no cursor moves through.
func listing[T any](columns []column[T], rows []T, width int, st *styles) []string {
	measure(columns, rows)
	fitted := fitColumns(columns, width, "")
	lines := []string{headLine(fitted, "", false, st)}
	for i := range rows {
		lines = append(lines, rowLine(fitted, &rows[i], false, st))
	}
	return lines
}
