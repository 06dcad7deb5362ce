package tui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/printable"
)

// labelWidth is the width of the names in a detail.
const labelWidth = 12

// sheet collects the lines of a detail or of the help.
type sheet struct {
	width int
	st    *styles
	lines []string
	// doors are the lines that lead somewhere, in order; selected is the one under the cursor, -1
	// if none is.
	doors    []door
	selected int
	replay   *replay // whose whole recording curves show; nil while the screen is live
}

// door is a line that leads to the detail of what it names.
type door struct {
	line int
	key  any            // what it names, the same in the next snapshot
	open func() subject // nil if it leads nowhere
	copy string         // what is copied in place of the line
}

func newSheet(width int, st *styles) *sheet { return &sheet{width: width, st: st, selected: -1} }

// addDoor appends the line that draw returns, and what it leads to.
func (s *sheet) addDoor(key any, open func() subject, draw func(cursor bool) string) {
	cursor := len(s.doors) == s.selected
	s.doors = append(s.doors, door{line: len(s.lines), key: key, open: open})
	s.lines = append(s.lines, draw(cursor))
}

// addCopy makes the next line one that the cursor goes to, to copy a text, and reports whether it is
// there.
func (s *sheet) addCopy(key any, text string) (cursor bool) {
	cursor = len(s.doors) == s.selected
	s.doors = append(s.doors, door{line: len(s.lines), key: key, copy: text})
	return cursor
}

// link appends a name and a value that leads to the detail of what it names.
func (s *sheet) link(label, value string, t tone, key any, open func() subject) {
	if value == "" {
		return
	}
	s.addDoor(key, open, func(cursor bool) string {
		mark := " "
		if cursor {
			mark = cursorSign
		}
		room := max(s.width-labelWidth-2, 1)
		return mark + s.st.paint(quiet, pad(label, labelWidth, false)) + " " + s.st.paintRow(t, t, fill(cut(value, room), room), cursor)
	})
}

// field appends a name and a value, wrapped over as many lines as it needs. Without a
// value it appends nothing.
func (s *sheet) field(label, value string, t tone) { s.write(label, value, "", t) }

// untrusted is field for text from outside porttrace, often a path.
func (s *sheet) untrusted(label, value string) { s.write(label, printable.String(value), "/", plain) }

func (s *sheet) write(label, value, breaks string, t tone) {
	if value == "" {
		return
	}
	room := max(s.width-labelWidth-2, 1)
	for i, line := range strings.Split(ansi.WrapWc(value, room, breaks), "\n") {
		if i > 0 {
			label = ""
		}
		s.lines = append(s.lines, " "+s.st.paint(quiet, pad(label, labelWidth, false))+" "+s.st.paint(t, line))
	}
}

// text appends a paragraph.
func (s *sheet) text(words string) {
	for line := range strings.SplitSeq(ansi.WrapWc(words, max(s.width-2, 1), ""), "\n") {
		s.lines = append(s.lines, " "+line)
	}
}

// section appends an empty line and a title.
func (s *sheet) section(title string) {
	s.lines = append(s.lines, "", " "+s.st.paint(strong, title))
}

func (s *sheet) add(lines ...string) { s.lines = append(s.lines, lines...) }

// quoted returns typed text in quotes.
func quoted(s string) string { return strconv.Quote(printable.String(s)) }
