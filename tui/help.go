package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"

	"github.com/porttrace/porttrace/tui/query"
)

// replayNotes explain the time line.
var replayNotes = [][2]string{
	{"▁▂▃▄▅▆▇█", "the fullest port space over the whole recording; opens until that is known"},
	{string(failureMark), "failed calls of what the filter selects, on the time line"},
	{"incident", "calls begin to fail, a port space is full, doctor finds a cause, a gap"},
	{string(damageMark), "a gap: a damaged part that cannot be read"},
	{"truncated", "the recording was cut short, or is still being written"},
}

// helpLines returns the help: what the words of the table mean, the keys, and the filter.
func (m *Model) helpLines(width int) []string {
	to := newSheet(width, m.styles)
	m.writeKeys(to)
	to.section("Words of this table")
	for _, c := range m.panes[m.tab].columnStates() {
		to.term(c.title, glossary[c.title])
	}
	to.section("Marks")
	for _, mark := range marks {
		to.term(mark[0], mark[1])
	}
	if m.replay != nil {
		for _, note := range replayNotes {
			to.term(note[0], note[1])
		}
	}
	to.section("The filter (/); Tab completes the name of a field")
	for _, form := range query.Help() {
		to.term(form[0], form[1])
	}
	return to.lines
}

// termWidth is the width of what is explained.
const termWidth = 18

// term appends a word and what it means.
func (s *sheet) term(word, meaning string) {
	if meaning == "" {
		return
	}
	mark := " " + s.st.paint(keyed, pad(word, max(termWidth, cells(word)), false)) + " "
	s.hanging(mark, meaning, plain)
}

// writeKeys appends the keys, in as many columns as fit.
func (m *Model) writeKeys(to *sheet) {
	columns := max(to.width/helpColumn, 1)
	for _, group := range m.keys.groups() {
		to.section(group.title)
		rows := (len(group.keys) + columns - 1) / columns
		for row := range rows {
			var line strings.Builder
			for column := range columns {
				if at := column*rows + row; at < len(group.keys) {
					line.WriteString(helpKey(group.keys[at], to.width/columns, to.st))
				}
			}
			to.add(line.String())
		}
	}
}

// helpColumn is the least width of a column of keys.
const helpColumn = 38

func helpKey(b key.Binding, width int, st *styles) string {
	return " " + st.paint(keyed, pad(b.Help().Key, 8, true)) + "  " + pad(b.Help().Desc, max(width-11, 0), false)
}
