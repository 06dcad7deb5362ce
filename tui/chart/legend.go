package chart

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// drawn has what Lines drew of each state: the character of a slice partly used, and that of
// one wholly used, 0 if there is none; and the ports in that state.
type drawn [States]struct {
	part, whole rune
	ports       int
}

func (d *drawn) add(state State, used float64, char rune) {
	if state != Free && used < 1 {
		d[state].part = char
		return
	}
	d[state].whole = char
}

// legend returns a line of width cells that names the states that the range has, with their
// ports. If there is no room it has no counts, then only what fits.
func (m *PortMap) legend(d *drawn, width int) string {
	var entries []entry
	for state := range State(States) {
		if d[state].ports > 0 {
			entries = append(entries, m.entry(state, d))
		}
	}
	for _, form := range []struct {
		counted bool
		gap     int
	}{{true, 2}, {false, 2}, {false, 1}} {
		if line, cells := join(entries, form.counted, form.gap); cells <= width {
			return line + strings.Repeat(" ", width-cells)
		}
	}
	for len(entries) > 0 {
		entries = entries[:len(entries)-1]
		if line, cells := join(entries, false, 1); cells <= width {
			return line + strings.Repeat(" ", width-cells)
		}
	}
	return strings.Repeat(" ", width)
}

// count adds up the ports of the range in each state.
func (d *drawn) count(counts []Counts, ports int) {
	d[Free].ports = ports
	for i := range counts {
		for state, n := range &counts[i] {
			d[state].ports += int(n)
			d[Free].ports -= int(n)
		}
	}
}

// entry is a state in the legend.
type entry struct {
	glyphs, name, count string
	pen, label          *Pen
}

// entry names a state by the characters that were drawn of it. One that has ports but is in no
// cell, as others have more of them there, has the character of a whole slice.
func (m *PortMap) entry(state State, d *drawn) entry {
	var glyphs string
	for _, char := range []rune{d[state].part, d[state].whole} {
		if char != 0 {
			glyphs += string(char)
		}
	}
	if glyphs == "" {
		glyphs = string(m.levels(state).at(1))
	}
	p := m.palette()
	return entry{glyphs: glyphs, name: names[state], count: grouped(d[state].ports), pen: p.pen(state, 1), label: &p.Label}
}

// join returns the entries in a line, and its cells.
func join(entries []entry, counted bool, gap int) (string, int) {
	var line strings.Builder
	cells := 0
	for i, e := range entries {
		if i > 0 {
			line.WriteString(strings.Repeat(" ", gap))
			cells += gap
		}
		text := " " + e.name
		if counted {
			text += " " + e.count
		}
		cells += ansi.StringWidthWc(e.glyphs + text)
		if e.pen != nil {
			e.glyphs = e.pen.Write(e.glyphs)
		}
		line.WriteString(e.glyphs + e.label.Write(text))
	}
	return line.String(), cells
}
