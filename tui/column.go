package tui

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
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
		for j := 0; j < min(len(rows), measured) && c.need < c.max; j++ {
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
		title, t := c.title, quiet
		if c.name != "" && c.name == sorted {
			mark := "▼"
			if c.rising != reverse {
				mark = "▲"
			}
			title, t = title+mark, accent
		}
		line.WriteString(" " + st.paint(t, pad(title, c.width, !c.left)))
	}
	return line.String()
}

// cursorSign is before the row under the cursor, for terminals without colours.
const cursorSign = "▶"

// rowLine returns one row, of the width of the screen if it is under the cursor. base is the tone of
// cells without one of their own; zeros are quiet, so that the rest stands out.
func rowLine[T any](columns []column[T], row *T, base tone, cursor bool, width int, st *styles) string {
	var line strings.Builder
	used := 0
	for i := range columns {
		c := &columns[i]
		mark := " "
		if cursor && i == 0 {
			mark = cursorSign
		}
		line.WriteString(st.paintRow(base, base, mark, cursor))
		text := c.cell(row, c.width)
		line.WriteString(st.paintRow(base, c.toneOf(row, text, base), pad(text, c.width, !c.left), cursor))
		used += c.width + 1
	}
	if cursor {
		line.WriteString(st.paintRow(base, base, blanks(width-used), true))
	}
	return line.String()
}

func (c *column[T]) toneOf(row *T, text string, base tone) tone {
	if c.tone != nil {
		if t := c.tone(row); t != plain {
			return t
		}
	}
	switch text {
	case "0", phrase.Unknown, "0/s":
		return quiet
	}
	return base
}

// listing appends rows as a table. leads returns what a row leads to, if it is not nil.
func listing[T any](to *sheet, columns []column[T], rows []T, leads func(*T) (key any, open func() subject)) {
	measure(columns, rows)
	fitted := fitColumns(columns, to.width, "")
	to.add(headLine(fitted, "", false, to.st))
	for i := range rows {
		row := &rows[i]
		draw := func(cursor bool) string { return rowLine(fitted, row, plain, cursor, to.width, to.st) }
		if leads == nil {
			to.add(draw(false))
			continue
		}
		key, open := leads(row)
		to.addDoor(key, open, draw)
	}
}
