package tui

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// column is one column of a table. Its name is that of its order in snapshot; a column
// that cannot be sorted by has no name.
type column[T any] struct {
	name  string
	title string
	// rank decides which columns a narrow terminal shows: the smallest first.
	rank int
	// min is the width that it needs, max the one that it can use; 0 means min.
	min, max int
	left     bool // text starts at the left, numbers end at the right
	rising   bool // its order is from small to great
	cell     func(row *T, width int) string
	tone     func(row *T) tone // nil is plain

	compare snapshot.Column[T]
	need    int // the widest cell so far, where max is above min
	width   int
}

// ordered sets the orders of the same names in the columns.
func ordered[T any](columns []column[T], orders []snapshot.Column[T]) []column[T] {
	for i := range columns {
		columns[i].compare, _ = snapshot.ColumnNamed(orders, columns[i].name)
	}
	return columns
}

// fitColumns returns the columns that fit a width, chosen by rank, and distributes the
// rest of the width. The column sorted by is always among them.
func fitColumns[T any](columns []column[T], width int, sorted string) []column[T] {
	byRank := slices.Clone(columns)
	slices.SortStableFunc(byRank, func(a, b column[T]) int { return a.priority(sorted) - b.priority(sorted) })
	used, chosen := 0, map[string]bool{}
	for i, c := range byRank {
		// One gap before each column; the cursor is in the first one's.
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

// measured is the number of rows that measure reads.
const measured = 1000

// measure sets the widths that the texts need. They only grow, so that columns do not
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

// priority returns the rank, with the name of a row first and the column sorted by second.
func (c *column[T]) priority(sorted string) int {
	switch {
	case c.rank == 0:
		return -2
	case c.name != "" && c.name == sorted:
		return -1
	}
	return c.rank
}

// share distributes the room evenly among the columns, up to what they need.
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

// headLine returns the titles; the sorted one has a mark for the direction of its order.
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

// rowLine returns one row. The one under the cursor has a mark too, for terminals without
// reverse video.
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

// listing returns a table without a cursor.
func listing[T any](columns []column[T], rows []T, width int, st *styles) []string {
	measure(columns, rows)
	fitted := fitColumns(columns, width, "")
	lines := []string{headLine(fitted, "", false, st)}
	for i := range rows {
		lines = append(lines, rowLine(fitted, &rows[i], false, st))
	}
	return lines
}
