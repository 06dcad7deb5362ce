package tui

import (
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/query"
)

// pane is one of the tables. What they have in common is in table.
type pane interface {
	// set shows the rows of a snapshot that match the filter.
	set(s *snapshot.Snapshot, filter *query.Query)
	// begin places the cursor on what the verdict is about, until it is moved. Before set.
	begin(snap *snapshot.Snapshot, v *verdict.Verdict)
	// open returns the detail of the row under the cursor, nil if there is none.
	open() subject
	// filterFields returns what a filter of its rows can ask for.
	filterFields() query.Set

	resize(width, height int)
	move(to motion)
	sortBy(step int)
	reverseOrder()
	foldIdle()
	freezeOrder()
	isFrozen() bool
	position() string
	columnStates() []columnState
	toggleColumn(title string)
	sortByColumn(title string)
	columnAt(cell int) string
	point(line int) bool
	cursorAt() int
	currentLine(st *styles) []string
	nextFailing(step int) bool
	counts() (shown, all int)
	view(width int, st *styles) []string
}

// several reports whether the rows are of more than one network namespace.
func several[T any](rows []T, netnsOf func(*T) uint32) bool {
	for i := range rows {
		if netnsOf(&rows[i]) != netnsOf(&rows[0]) {
			return true
		}
	}
	return false
}

// wrap breaks a sentence into lines.
func wrap(text string, width int, st *styles) []string {
	sheet := newSheet(width, st)
	sheet.text(text)
	return sheet.lines
}
