package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// menu is a list to choose from, in place of the table.
type menu struct {
	title  string
	items  func() []menuItem
	choose func(at int)
	stays  bool // several can be chosen, one after the other
	cursor int
	scroll scroll
}

type menuItem struct {
	mark  string // what is chosen
	label string
	note  string
}

// pressMenu takes a key: one that moves, chooses, or jumps to the first item with that letter.
func (m *Model) pressMenu(msg tea.KeyPressMsg) {
	l, items := m.menu, m.menu.items()
	switch {
	case key.Matches(msg, m.keys.back):
		m.menu = nil
	case key.Matches(msg, m.keys.open), msg.Code == tea.KeySpace:
		m.chooseItem(l.cursor)
	default:
		if to := m.keys.motion(msg); to != still && len(msg.Text) == 0 {
			l.cursor = to.apply(l.cursor, len(items), l.scroll.height)
		} else if at := l.startingWith(items, msg.Text); at >= 0 {
			l.cursor = at
		} else if key.Matches(msg, m.keys.columns, m.keys.chooseSort) {
			m.menu = nil
		}
	}
}

// startingWith returns the next item that begins with the text, -1 if none does.
func (l *menu) startingWith(items []menuItem, text string) int {
	for i := range items {
		at := (l.cursor + 1 + i) % len(items)
		if text != "" && strings.HasPrefix(strings.ToLower(items[at].label), strings.ToLower(text)) {
			return at
		}
	}
	return -1
}

func (m *Model) chooseItem(at int) {
	l := m.menu
	if at >= len(l.items()) {
		return
	}
	l.cursor = at
	l.choose(at)
	if !l.stays {
		m.menu = nil
	}
}

func (l *menu) view(width, height int, st *styles) []string {
	items := l.items()
	l.cursor = clamp(l.cursor, len(items))
	lines := make([]string, 0, len(items))
	for i, item := range items {
		mark := " "
		if i == l.cursor {
			mark = cursorSign
		}
		text := fill(mark+" "+pad(item.mark, 3, false)+" "+pad(item.label, 24, false)+" "+item.note, width)
		lines = append(lines, st.paintRow(plain, plain, text, i == l.cursor))
	}
	l.scroll.resize(len(lines), height)
	l.scroll.offset = clamp(min(max(l.scroll.offset, l.cursor-height+1), l.cursor), len(lines)-height+1)
	return l.scroll.window(lines)
}

// openColumns lets columns be chosen.
func (m *Model) openColumns() {
	shown := m.panes[m.tab]
	m.menu = &menu{
		title: "Columns of " + tabNames[m.tab], stays: true,
		items: func() []menuItem {
			var items []menuItem
			for _, c := range shown.columnStates() {
				mark := "[ ]"
				if c.shown {
					mark = "[x]"
				}
				items = append(items, menuItem{mark, c.title, ""})
			}
			return items
		},
		choose: func(at int) { shown.toggleColumn(shown.columnStates()[at].title) },
	}
}

// openSort lets the column to sort by be chosen.
func (m *Model) openSort() {
	shown := m.panes[m.tab]
	sortable := func() (list []columnState) {
		for _, c := range shown.columnStates() {
			if c.sortable {
				list = append(list, c)
			}
		}
		return list
	}
	m.menu = &menu{
		title: "Sort " + strings.ToLower(tabNames[m.tab]) + " by",
		items: func() []menuItem {
			var items []menuItem
			for _, c := range sortable() {
				mark, note := "", ""
				if c.sorted {
					mark, note = "▼", "r reverses"
				}
				items = append(items, menuItem{mark, c.title, note})
			}
			return items
		},
		choose: func(at int) { shown.sortByColumn(sortable()[at].title) },
	}
	for i, c := range sortable() {
		if c.sorted {
			m.menu.cursor = i
		}
	}
}
