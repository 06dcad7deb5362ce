package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
)

// helpNotes explain the titles and marks.
var helpNotes = [][2]string{
	{"TAKEN", "share of the ports that the next call cannot have; ▒: in TIME_WAIT, can be reused"},
	{"IN USE/OF", "ports in use / capacity of the space"},
	{"FULL", "when no port will be left at the current rates"},
	{"BOUND", "ports reserved by bind(): unavailable to every connect() of the namespace"},
	{"WANTED/MAX", "ports per second that calls want, found or not / that the space can sustain"},
	{"OPEN/s", "outgoing connections opened per second, over the last 5 s"},
	{"LIVE", "open outgoing connections"},
	{"TIME_WAIT", "closed outgoing connections that hold their port, mostly for 60 s"},
	{"TW_IN", "TIME_WAIT of accepted connections: they hold no ephemeral port"},
	{"SYN_SENT", "the SYN was sent again and is still unanswered"},
	{"CLOSE_WAIT", "the peer has closed, the program has not"},
	{"~", "inferred from other events, not observed"},
	{"lost", "events that were not counted; without detail: counted, but not listed"},
	{"before start", "sockets older than the trace; BEFORE counts them"},
}

// replayNotes explain the time line.
var replayNotes = [][2]string{
	{"▁▂▃▄▅▆▇█", "the fullest port space over the whole recording; opens until that is known"},
	{string(failureMark), "failed calls of what the filter selects, on the time line"},
	{"incident", "calls begin to fail, a port space is full, doctor finds a cause, a gap"},
	{string(damageMark), "a gap: a damaged part that cannot be read"},
	{"truncated", "the recording was cut short, or is still being written"},
}

// helpLines returns the help: the keys, in two columns if they fit, and the notes.
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
