package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// parts are the heights of the parts of the screen. A low terminal loses the strip of a
// replay first, then the header, the banner, the tabs, the status.
type parts struct{ header, banner, strip, tabs, body, status int }

func (m *Model) divide() parts {
	height := m.height
	p := parts{status: one(height >= 4), tabs: one(height >= 5)}
	if m.help == nil {
		p.banner = one(m.shown != nil && banner(m.shown) != nil && height > p.status+p.tabs+minBody)
		p.header = max(min(height-p.banner-p.status-p.tabs-minBody, 3), 0)
	}
	if m.help == nil && m.replay != nil {
		p.strip = stripLines(height - p.header - p.banner - p.tabs - p.status)
	}
	p.body = max(height-p.header-p.banner-p.strip-p.tabs-p.status, 0)
	return p
}

// stripLines returns the height of the strip: all of it, its axis, or nothing. It leaves
// at least two bodies' worth to the table.
func stripLines(room int) int {
	if room >= 2*minBody+stripHeight {
		return stripHeight
	}
	return one(room > 2*minBody)
}

// minBody is the head of a table and two rows.
const minBody = 3

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// settle scrolls to the cursor. It must follow every change, so that View changes nothing.
func (m *Model) settle() {
	height := m.divide().body
	m.panes[m.tab].resize(height)
	if page := m.page(); page != nil {
		page.scroll.resize(len(page.view(m.width, m.styles)), height)
	}
	if m.help != nil {
		m.help.resize(len(helpLines(m.keys, m.width, m.styles)), height)
	}
}

// View draws the model.
func (m *Model) View() tea.View {
	view := tea.NewView(strings.Join(m.lines(), "\n"))
	view.AltScreen = true
	view.WindowTitle = m.title
	return view
}

// lines returns as many lines as the terminal has.
func (m *Model) lines() []string {
	p := m.divide()
	var lines []string
	if m.shown != nil {
		lines = append(lines, box(headerLines(m.shown, m.findings, m.width, m.styles), m.width, p.header)...)
	} else {
		lines = append(lines, box(nil, m.width, p.header)...)
	}
	if p.banner > 0 {
		lines = append(lines, join(banner(m.shown), m.width, m.styles))
	}
	if p.strip > 0 {
		lines = append(lines, box(m.replay.strip(p.strip, m.styles), m.width, p.strip)...)
	}
	lines = append(lines, box([]string{m.tabLine()}, m.width, p.tabs)...)
	lines = append(lines, box(m.body(), m.width, p.body)...)
	return append(lines, box([]string{m.statusLine()}, m.width, p.status)...)
}

func (m *Model) body() []string {
	switch {
	case m.help != nil:
		return m.help.window(helpLines(m.keys, m.width, m.styles))
	case m.shown == nil && m.ended:
		return wrap("the source ended before the first snapshot", m.width, m.styles)
	case m.shown == nil:
		return wrap(m.expecting(), m.width, m.styles)
	case m.page() != nil:
		return m.page().scroll.window(m.page().view(m.width, m.styles))
	}
	return m.panes[m.tab].view(m.width, m.styles)
}

// expecting returns why there is nothing to show yet.
func (m *Model) expecting() string {
	if m.replay != nil {
		return "reading the recording"
	}
	return "waiting for the first events"
}

// statusLine returns the settings of the user, and the most important keys.
func (m *Model) statusLine() string {
	if m.filter.typing {
		left := " filter: " + m.filter.text + "_" + m.matches()
		return ends(left, "Enter keeps it, Esc clears it ", m.width)
	}
	if m.goingTo() {
		return m.replay.goTo.statusLine(m.width, m.styles)
	}
	var pieces []piece
	if m.paused {
		pieces = append(pieces, piece{tone: warn, forms: []string{"PAUSED" + m.behind(), "PAUSED"}})
	}
	if m.ended {
		pieces = append(pieces, piece{tone: warn, forms: []string{"the source has ended", "ended"}})
	}
	if p, ok := m.panes[m.tab].(*processes); ok && p.grouping != snapshot.ByProcess {
		pieces = append(pieces, piece{forms: []string{"by " + string(p.grouping)}})
	}
	if m.filter.text != "" {
		words := "filter: " + m.filter.text
		pieces = append(pieces, piece{forms: []string{words + m.matches(), words}})
	}
	left := " " + join(pieces, max(m.width-1, 0), m.styles)
	hints := m.hints()
	right := hints[len(hints)-1]
	for _, form := range hints {
		if cells(left)+cells(form) < m.width {
			right = form
			break
		}
	}
	return ends(left, m.styles.paint(quiet, right), m.width)
}

// hints returns the most important keys, and the position in what is scrolled, in forms.
func (m *Model) hints() []string {
	end := m.steering() + "? help  q quit "
	switch {
	case m.help != nil:
		return []string{m.help.position() + "Esc back  q quit "}
	case m.why != nil:
		return []string{m.why.scroll.position() + "Esc back  " + end}
	case m.detail != nil:
		return []string{m.detail.scroll.position() + "w why  Esc back  " + end}
	}
	const open, filter = "Enter open  w why  ", "/ filter  "
	return []string{open + "s sort  " + m.grouper() + filter + end, open + m.grouper() + filter + end, open + end, open + "? help "}
}

// grouper returns the key that groups, empty in tables without groups.
func (m *Model) grouper() string {
	if m.tab != processesTab || m.replay != nil {
		return ""
	}
	return "g group  "
}

// steering returns the keys that freeze the display, or move a replay.
func (m *Model) steering() string {
	switch {
	case m.replay == nil:
		return "p pause  "
	case m.replay.playback.Paused:
		return "p play  n incident  : go to  "
	}
	return "p pause  n incident  : go to  "
}

func (m *Model) matches() string {
	shown, all := m.panes[m.tab].counts()
	return " (" + phrase.Count(shown) + " of " + phrase.Count(all) + ")"
}

// behind returns how old the snapshot shown is.
func (m *Model) behind() string {
	if m.shown == nil || m.latest == m.shown {
		return ""
	}
	return ", " + phrase.Elapsed(m.latest.At.Sub(m.shown.At)) + " behind"
}
