package tui

import (
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/prompt"
)

// hint returns a key and what it does.
func (s *styles) hint(key, does string) string {
	return s.paint(keyed, key) + " " + s.paint(quiet, does)
}

// statusLine returns the state of the screen, and the keys that do something here, always in the
// same order: a key keeps its place.
func (m *Model) statusLine() string {
	if m.filter.typing {
		return m.filterLine()
	}
	if m.asking {
		return m.promptLine()
	}
	if m.note.text != "" {
		return " " + m.styles.paint(m.note.tone, m.note.text)
	}
	state := join(m.stateOfScreen(), max(m.width-1, 0), m.styles)
	room := m.width - 2
	if state != "" {
		room -= cells(state) + 2
	}
	line := " "
	if state != "" {
		line += state + "  "
	}
	return line + m.hints(room)
}

// filterLine returns the filter while it is typed, with what is wrong in it or how many rows match.
func (m *Model) filterLine() string {
	line, _ := m.filter.input.View(max(m.width/2, 2), "", m.promptStyles())
	left := " " + m.styles.paint(accent, "/") + line + "  "
	if m.filter.fault != "" {
		return left + m.styles.paint(warn, m.filter.fault)
	}
	left += m.styles.paint(quiet, m.matches())
	return ends(left, m.styles.hint("Enter", "keep")+"  "+m.styles.hint("Esc", "clear")+"  "+m.styles.paint(quiet, "words, !word, /regexp/, pid:1 dest:10.0.0.0/8 >80%")+" ", m.width)
}

// promptLine returns the command while it is typed, with what is wrong with it.
func (m *Model) promptLine() string {
	line, _ := m.prompt.Line(m.width, m.promptStyles())
	if fault := m.prompt.Fault(); fault != "" {
		return line + "  " + m.styles.paint(warn, fault)
	}
	return line
}

// candidates returns the commands that can be meant, for the lines above the prompt.
func (m *Model) candidates(height int) []string {
	return m.prompt.Candidates(m.width, height, m.promptStyles())
}

func (m *Model) promptStyles() *prompt.Styles {
	as := func(t tone) func(string) string { return func(text string) string { return m.styles.paint(t, text) } }
	return &prompt.Styles{
		Cursor: func(text string) string { return "\x1b[7m" + text + "\x1b[27m" },
		Ghost:  as(quiet), Name: as(strong), Help: as(quiet), Fault: as(warn),
		Chosen: func(text string) string { return m.styles.paintRow(plain, plain, text, true) },
	}
}

// stateOfScreen returns what the user has set, and what keeps the screen from showing what is new.
func (m *Model) stateOfScreen() []piece {
	var pieces []piece
	if m.paused {
		pieces = append(pieces, piece{tone: warn, forms: []string{"PAUSED" + m.behind(), "PAUSED"}})
	}
	if m.ended {
		pieces = append(pieces, piece{tone: warn, forms: []string{"the source has ended", "ended"}})
	}
	if m.page() == nil && m.panes[m.tab].isFrozen() {
		pieces = append(pieces, piece{tone: chip, forms: []string{"order frozen (f)", "frozen"}})
	}
	if p, ok := m.panes[m.tab].(*processes); ok && p.grouping != snapshot.ByProgram && m.page() == nil {
		pieces = append(pieces, piece{tone: chip, forms: []string{"by " + string(p.grouping)}})
	}
	return pieces
}

// behind returns how old the snapshot shown is.
func (m *Model) behind() string {
	if m.shown == nil || m.latest == m.shown {
		return ""
	}
	return ", " + phrase.Elapsed(m.latest.At.Sub(m.shown.At)) + " behind"
}

// hints returns the keys that fit.
func (m *Model) hints(room int) string {
	var line strings.Builder
	used := 0
	for _, h := range m.keysHere() {
		width := cells(h[0]) + 1 + cells(h[1])
		if used > 0 {
			width += 2
		}
		if used+width > room {
			break
		}
		if used > 0 {
			line.WriteString("  ")
		}
		line.WriteString(m.styles.hint(h[0], h[1]))
		used += width
	}
	return line.String()
}

// keysHere returns the keys that do something now, the most important first.
func (m *Model) keysHere() [][2]string {
	var keys [][2]string
	add := func(list ...[2]string) { keys = append(keys, list...) }
	if m.help != nil {
		return [][2]string{{"Esc", "back"}, {"q", "quit"}}
	}
	if m.menu != nil {
		return [][2]string{{"Enter", "choose"}, {"letter", "jump"}, {"Esc", "back"}}
	}
	if m.page() != nil {
		add([2]string{"Esc", "back"})
	}
	if m.under != nil {
		add([2]string{"Enter", "open"})
	}
	if m.page() == nil || !m.page().isWhy() {
		add([2]string{"w", "why"})
	}
	if m.page() == nil {
		add([2]string{"/", "filter"})
	}
	add(m.steering()...)
	add([2]string{"?", "help"}, [2]string{"q", "quit"})
	if m.page() == nil {
		add([2]string{"s", "sort"})
		if m.tab == processesTab {
			add([2]string{"g", "group"})
		}
	}
	return keys
}

// steering returns the keys that freeze the display, or move a replay.
func (m *Model) steering() [][2]string {
	switch {
	case m.replay == nil && m.paused:
		return [][2]string{{"Space", "go on"}}
	case m.replay == nil:
		return [][2]string{{"Space", "pause"}}
	case m.replay.playback.Paused:
		return [][2]string{{"Space", "play"}, {"n", "next incident"}, {":", "go to"}}
	}
	return [][2]string{{"Space", "pause"}, {"n", "next incident"}, {":", "go to"}}
}
