package tui

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// subject is the row of a detail.
type subject interface {
	title() string
	// about returns what a finding about the row can be about.
	about() *about
	// update finds the row in a newer snapshot and reports whether it is there.
	update(s *snapshot.Snapshot) bool
	write(to *sheet)
}

// followed is a row that is found again in each newer snapshot. It keeps its last values
// when the row has gone.
type followed[T any, K comparable] struct {
	row      *T
	snapshot *snapshot.Snapshot // the newest with the row
	rows     func(*snapshot.Snapshot) []T
	key      func(*T) K
}

func (f *followed[T, K]) update(s *snapshot.Snapshot) bool {
	if s == f.snapshot {
		return true
	}
	rows := f.rows(s)
	for i := range rows {
		if f.key(&rows[i]) == f.key(f.row) {
			f.row, f.snapshot = &rows[i], s
			return true
		}
	}
	return false
}

// detail shows one subject in full. The cursor is on one of its doors, if it has any, else the
// lines scroll.
type detail struct {
	subject
	gone   bool
	scroll scroll

	lines  []string // as drawn last
	doors  []door
	cursor int
	at     any  // what the door under the cursor names
	aside  bool // it is shown beside a list and has no cursor
	replay *replay
}

func (d *detail) set(s *snapshot.Snapshot) { d.gone = !d.update(s) }

// draw draws the lines again, and keeps the cursor on what it was on.
func (d *detail) draw(width, height int, st *styles) {
	to := d.written(width, st)
	if at := d.findDoor(to.doors); at != d.cursor {
		d.cursor = at
		to = d.written(width, st)
	}
	d.lines, d.doors = to.lines, to.doors
	d.scroll.resize(len(d.lines), height)
}

func (d *detail) written(width int, st *styles) *sheet {
	to := newSheet(width, st)
	to.replay = d.replay
	if !d.aside {
		to.selected = d.cursor
	}
	if d.gone {
		to.field("", "this row is no longer in the table; these are its last values", warn)
	}
	d.write(to)
	return to
}

func (d *detail) findDoor(doors []door) int {
	at := clamp(d.cursor, len(doors))
	if d.at == nil || at < len(doors) && doors[at].key == d.at {
		return at
	}
	for i := range doors {
		if doors[i].key == d.at {
			return i
		}
	}
	return at
}

// move moves the cursor to another door. Where there is none it scrolls, as it does for a door
// that is out of sight, so that no line is skipped.
func (d *detail) move(to motion) {
	next := to.apply(d.cursor, len(d.doors), max(d.scroll.height/2, 1))
	switch {
	case len(d.doors) == 0, to == toTop, to == toBottom:
		d.scroll.move(to)
	case next == d.cursor || !d.scroll.sees(d.doors[next].line):
		d.scroll.move(to)
		if !d.scroll.sees(d.doors[next].line) {
			return
		}
	}
	if len(d.doors) > 0 {
		d.cursor, d.at = next, d.doors[next].key
	}
}

// open returns what the door under the cursor leads to, nil if there is none.
func (d *detail) open() subject {
	if d.cursor >= len(d.doors) || d.doors[d.cursor].open == nil {
		return nil
	}
	return d.doors[d.cursor].open()
}

// scroll is a window on lines that do not all fit.
type scroll struct{ offset, lines, height int }

func (s *scroll) resize(lines, height int) {
	s.lines, s.height = lines, height
	s.offset = clamp(s.offset, lines-height+1)
}

func (s *scroll) move(to motion) {
	s.offset = to.apply(s.offset, s.lines-s.height+1, s.height)
}

// sees reports whether a line is in the window.
func (s *scroll) sees(line int) bool { return line >= s.offset && line < s.offset+s.height }

// position returns which lines are visible, empty if all are.
func (s *scroll) position() string {
	if s.lines <= s.height {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d", s.offset+1, min(s.offset+s.height, s.lines), s.lines)
}

// window returns the visible lines.
func (s *scroll) window(lines []string) []string { return lines[clamp(s.offset, len(lines)+1):] }
