package tui

import (
	tea "charm.land/bubbletea/v2"
)

// click opens what is under the mouse: a tab, a column to sort by, a row, the pane beside it.
func (m *Model) click(at tea.Mouse) {
	if at.Button != tea.MouseLeft || m.help != nil || m.shown == nil {
		return
	}
	l := &m.layout
	tabs := l.top + l.verdict + l.figures + l.strip
	body := tabs + l.tabs
	first := body // of the lines in the frame
	if l.framed {
		first++
	}
	switch {
	case m.menu != nil:
		if at.Y >= first && at.Y < body+l.body && at.X < l.list {
			m.chooseItem(m.menu.scroll.offset + at.Y - first)
		}
	case at.Y >= l.top && at.Y < l.top+l.verdict:
		m.openWhy()
	case l.side > 0 && at.X >= l.list && at.Y >= body && at.Y < body+l.body:
		m.enter(m.chosen())
	case at.Y == tabs && len(m.trail) == 0:
		m.clickTab(at.X)
	case at.Y == tabs && len(m.trail) > 0:
		m.back()
	case at.Y < first || at.Y >= body+l.body:
	default:
		m.clickLine(at.X-m.inset(), at.Y-first)
	}
}

// inset is how many cells the frame takes at the left of a line.
func (m *Model) inset() int {
	if m.layout.framed {
		return frameCells / 2
	}
	return 0
}

func (m *Model) clickTab(x int) {
	from := m.inset()
	if m.layout.framed {
		from++ // the edge begins with a line
	}
	for i, label := range m.tabLabels() {
		to := from + cells(label)
		if x >= from && x < to {
			m.show(i)
			return
		}
		from = to + cells(tabGap)
	}
}

// clickLine moves the cursor to a line, and opens what it already was on.
func (m *Model) clickLine(x, line int) {
	shown := m.panes[m.tab]
	switch page := m.page(); {
	case page != nil:
		if page.point(line) {
			m.enter(page.open())
		}
	case line == 0:
		if title := shown.columnAt(x); title != "" {
			shown.sortByColumn(title)
		}
	default:
		if was := shown.cursorAt(); shown.point(line-1) && shown.cursorAt() == was {
			m.enter(m.chosen())
		}
	}
}

// wheel moves the cursor, or scrolls.
func (m *Model) wheel(at tea.Mouse) {
	to := lineDown
	if at.Button == tea.MouseWheelUp {
		to = lineUp
	}
	switch {
	case m.help != nil:
		m.help.move(to)
	case m.menu != nil:
		m.menu.cursor = to.apply(m.menu.cursor, len(m.menu.items()), 1)
	case m.page() != nil:
		m.page().move(to)
	case m.shown != nil:
		m.panes[m.tab].move(to)
	}
}

// point moves the cursor to the door at that line of the window, and reports whether the cursor was
// on it already.
func (d *detail) point(line int) bool {
	for i := range d.doors {
		if d.doors[i].line == d.scroll.offset+line {
			was := d.cursor == i
			d.cursor, d.at = i, d.doors[i].key
			return was
		}
	}
	return false
}

// toggleMouse gives the mouse to the terminal, to select text with, or takes it.
func (m *Model) toggleMouse() {
	m.free = !m.free
	if m.free {
		m.say(good, "the mouse selects text; m takes it back")
		return
	}
	m.say(good, "the mouse opens tabs, columns and rows; m gives it back")
}
