package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/verdict"
)

// settle draws what has a cursor, and scrolls to it. It must follow every change, so that View
// changes nothing.
func (m *Model) settle() {
	m.layout = m.divide()
	width, height := m.layout.inner(m.layout.list)
	m.panes[m.tab].resize(width, height)
	if page := m.page(); page != nil {
		page.draw(width, height, m.styles)
	}
	if m.help != nil {
		m.help.resize(len(m.helpLines(width)), height)
	}
	m.settleSide()
}

// settleSide shows beside the table what its row under the cursor is.
func (m *Model) settleSide() {
	m.under, m.side = nil, nil
	if m.shown != nil {
		m.under = m.chosen()
	}
	if m.layout.side == 0 || m.under == nil {
		return
	}
	m.side = &detail{subject: m.under, aside: true, replay: m.replay}
	m.renew(m.side)
	width, _ := m.layout.inner(m.layout.side)
	m.side.draw(width, max(m.layout.body-frameRows, 0), m.styles)
}

// hasSide reports whether there is anything to show beside the table or the detail.
func (m *Model) hasSide() bool {
	return m.shown != nil && m.chosen() != nil
}

// View draws the model.
func (m *Model) View() tea.View {
	view := tea.NewView(strings.Join(m.lines(), "\n"))
	view.AltScreen = true
	view.WindowTitle = m.windowTitle()
	if !m.free {
		view.MouseMode = tea.MouseModeCellMotion
	}
	return view
}

// windowTitle returns the title of the terminal's window: it says what is wrong when the screen is
// not seen.
func (m *Model) windowTitle() string {
	if m.title == "" || m.shown == nil || m.verdict.Level < verdict.Soon {
		return m.title
	}
	return verdictSigns[m.verdict.Level] + " " + printable.String(m.verdict.Title) + " - " + m.title
}

// lines returns as many lines as the terminal has.
func (m *Model) lines() []string {
	l := &m.layout
	lines := make([]string, 0, m.height)
	add := func(part []string, height int) { lines = append(lines, box(part, m.width, height)...) }
	if l.top > 0 {
		add([]string{m.topLine()}, l.top)
	}
	if l.verdict > 0 {
		add(m.verdictBox(l.verdict), l.verdict)
	}
	if l.figures > 0 {
		add(m.figures(l.figures), l.figures)
	}
	if l.strip > 0 {
		add(m.replay.strip(l.strip, m.styles), l.strip)
	}
	if l.tabs > 0 {
		add([]string{ends(m.tabLine(), m.styles.paint(quiet, m.position()), m.width)}, l.tabs)
	}
	add(m.bodyLines(), l.body)
	if l.picture > 0 {
		add(m.picture(l.picture), l.picture)
	}
	if l.status > 0 {
		if m.asking {
			lines = m.withCandidates(lines)
		}
		add([]string{m.statusLine()}, l.status)
	}
	return box(lines, m.width, m.height)
}

// maxCandidates is how many commands are listed above the prompt.
const maxCandidates = 8

// withCandidates puts the commands that can be meant over the last lines.
func (m *Model) withCandidates(lines []string) []string {
	list := m.candidates(min(maxCandidates, len(lines)))
	return append(lines[:len(lines)-len(list)], list...)
}

// bodyLines returns the table or the detail, and the pane beside it.
func (m *Model) bodyLines() []string {
	l := &m.layout
	width, height := l.inner(l.list)
	body := box(m.body(width), width, height)
	if l.framed {
		f := frame{title: m.tabLine(), right: m.styles.paint(quiet, m.position()), tone: border}
		body = f.draw(body, l.list, l.body-l.tail, m.styles)
	}
	if l.tail > 0 {
		body = append(body, m.tailLines(l.list, l.tail)...)
	}
	if l.side == 0 {
		return body
	}
	return beside(body, m.sideLines(), l.list)
}

func (m *Model) sideLines() []string {
	l := &m.layout
	var lines []string
	f := frame{tone: border}
	if m.side != nil {
		lines = m.side.lines
		f.title = m.styles.paint(strong, m.side.title())
		f.bottom = m.styles.hint("Enter", "open") + "  " + m.styles.hint("w", "why")
	}
	if l.framed {
		return f.draw(lines, l.side, l.body, m.styles)
	}
	return box(lines, l.side, l.body)
}

func (m *Model) body(width int) []string {
	switch {
	case m.help != nil:
		return m.help.window(m.helpLines(width))
	case m.menu != nil:
		_, height := m.layout.inner(m.layout.list)
		return m.menu.view(width, height, m.styles)
	case m.shown == nil && m.ended:
		return wrap("the source ended before the first snapshot", width, m.styles)
	case m.shown == nil:
		return wrap(m.expecting(), width, m.styles)
	case m.page() != nil:
		return m.page().scroll.window(m.page().lines)
	}
	return m.panes[m.tab].view(width, m.styles)
}

// position returns which part of what is scrolled is on the screen.
func (m *Model) position() string {
	switch {
	case m.help != nil:
		return m.help.position()
	case m.page() != nil:
		return m.page().scroll.position()
	case m.shown == nil:
		return ""
	}
	return m.panes[m.tab].position()
}

// expecting returns why there is nothing to show yet.
func (m *Model) expecting() string {
	if m.replay != nil {
		return "reading the recording"
	}
	return "waiting for the first events"
}

func (m *Model) matches() string {
	shown, all := m.panes[m.tab].counts()
	return phrase.Count(shown) + " of " + phrase.Count(all)
}
