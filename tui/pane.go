package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// pane is one of the tables. What a table does alike for any row is in table.
type pane interface {
	// set takes over a snapshot and shows the rows that the filter leaves.
	set(s *snapshot.Snapshot, filter string)
	// open is the row under the cursor in full, nil when there is none.
	open() subject

	resize(height int)
	move(to motion)
	sortBy(step int)
	reverseOrder()
	counts() (shown, all int)
	view(width int, st *styles) []string
}

// several reports whether the rows are of more than one network namespace.
func several[T any](rows []T, netns func(*T) uint32) bool {
	for i := range rows {
		if netns(&rows[i]) != netns(&rows[0]) {
			return true
		}
	}
	return false
}

// emptyNote says in words why a table is empty.
func emptyNote(filter string, rows int, nothing string, since time.Duration, then string) string {
	if rows > 0 {
		return "nothing here has the words " + quoted(filter) + "; " + count(rows) + " hidden, Esc shows them again"
	}
	return nothing + " since the start (" + elapsed(since) + "); " + then
}

// wrap breaks a sentence into lines.
func wrap(text string, width int, st *styles) []string {
	sheet := newSheet(width, st)
	sheet.text(text)
	return sheet.lines
}
