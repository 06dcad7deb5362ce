package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
)

// helpNotes explain what the tables cannot.
var helpNotes = [][2]string{
	{"TAKEN", "of the ports of a space, the share that nobody can have now; ▒ would be reused"},
	{"IN USE/OF", "ports in use, and how many the space has"},
	{"FULL", "when no port will be left, if all goes on as it does"},
	{"BOUND", "ports that a bind() owns: no connect() of the namespace gets them"},
	{"/MAX", "the opens per second that the space can serve for ever"},
	{"OPEN/s", "local ports taken for outgoing connections, over the last 5 s"},
	{"LIVE", "outgoing connections that are open"},
	{"TIME_WAIT", "closed connections that hold a port of this host for 60 s more"},
	{"TW_IN", "the same of accepted connections; they take no ephemeral port"},
	{"SYN_SENT", "the SYN had to be sent again, nobody has answered yet"},
	{"CLOSE_WAIT", "the peer has closed, the program has not"},
	{"~", "not seen, but concluded from what was seen"},
	{"lost", "events not even counted; folded: counted, without details"},
	{"before start", "TIME_WAIT that began before the start; its owner is unknown"},
}

// replayNotes explain the time line.
var replayNotes = [][2]string{
	{"▁▂▃▄▅▆▇█", "opens over the whole recording"},
	{string(failureMark), "failures, on the time line"},
	{string(damageMark), "a damaged piece that cannot be read: a gap"},
	{"truncated", "the recording was cut short, or is being written still"},
}

// helpLines are made of the keys themselves, in two columns where they fit.
func helpLines(keys *keyMap, width int, st *styles) []string {
	to := newSheet(width, st)
	for _, pair := range keys.groups() {
		if width < 2*helpColumn {
			to.add(below(pair, width, st)...)
		} else {
			to.add(beside(pair[0], pair[1], st)...)
		}
		to.add("")
	}
	notes := helpNotes
	if keys.play.Enabled() {
		notes = slices.Concat(notes, replayNotes)
	}
	for _, note := range notes {
		to.field(note[0], note[1], plain)
	}
	return to.lines
}

func below(pair [2][]key.Binding, width int, st *styles) (lines []string) {
	for _, binding := range slices.Concat(pair[0], pair[1]) {
		lines = append(lines, helpKey(binding, width, st))
	}
	return lines
}

// helpColumn is the width of one column of keys.
const helpColumn = 38

func beside(left, right []key.Binding, st *styles) []string {
	lines := make([]string, max(len(left), len(right)))
	for i := range lines {
		if i < len(left) {
			lines[i] = helpKey(left[i], helpColumn, st)
		} else {
			lines[i] = pad("", helpColumn, false)
		}
		if i < len(right) {
			lines[i] += helpKey(right[i], helpColumn+2, st)
		}
	}
	return lines
}

func helpKey(b key.Binding, width int, st *styles) string {
	return " " + st.paint(strong, pad(b.Help().Key, 9, true)) + "  " + pad(b.Help().Desc, max(width-12, 0), false)
}
