package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/tui/prompt"
)

// press passes a key to what is on top of the screen.
func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	m.note = note{}
	switch {
	case key.Matches(msg, m.keys.interrupt) && !m.asking && !m.filter.typing:
		return tea.Quit
	case m.filter.typing:
		m.typeFilter(msg)
	case m.asking:
		return m.pressPrompt(msg)
	case key.Matches(msg, m.keys.quit):
		return tea.Quit
	case key.Matches(msg, m.keys.suspend):
		return tea.Suspend
	case m.help != nil:
		m.pressHelp(msg)
	case m.menu != nil:
		m.pressMenu(msg)
	case key.Matches(msg, m.keys.help):
		m.help = &scroll{}
	case key.Matches(msg, m.keys.command):
		m.asking = true
		m.prompt.Open("")
	case key.Matches(msg, m.keys.pause):
		m.togglePause()
	case key.Matches(msg, m.keys.earlier):
		m.goBack(-1)
	case key.Matches(msg, m.keys.later):
		m.goBack(1)
	case key.Matches(msg, m.keys.muchEarlier):
		m.goBack(-10)
	case key.Matches(msg, m.keys.muchLater):
		m.goBack(10)
	case key.Matches(msg, m.keys.incident):
		m.goToIncident(m.replay.whole.Next, m.replay.player.NextIncident, "after")
	case key.Matches(msg, m.keys.incidentBefore):
		m.goToIncident(m.replay.whole.Previous, m.replay.player.PreviousIncident, "before")
	case m.replay != nil && m.replay.press(m.keys, msg):
	default:
		return m.pressPane(msg)
	}
	return nil
}

// pressPrompt takes a key of the line after ":".
func (m *Model) pressPrompt(msg tea.KeyPressMsg) tea.Cmd {
	m.asking = m.prompt.Press(msg) == prompt.Typing
	after := m.after
	m.after = nil
	return after
}

func (m *Model) pressHelp(msg tea.KeyPressMsg) {
	if key.Matches(msg, m.keys.help, m.keys.back) {
		m.help = nil
		return
	}
	m.help.move(m.keys.motion(msg))
}

// pressPane handles the keys of the tables and of the details.
func (m *Model) pressPane(msg tea.KeyPressMsg) tea.Cmd {
	k := m.keys
	switch {
	case key.Matches(msg, k.first):
		m.show(spacesTab)
	case key.Matches(msg, k.second):
		m.show(processesTab)
	case key.Matches(msg, k.third):
		m.show(destinationsTab)
	case key.Matches(msg, k.fourth):
		m.show(failuresTab)
	case key.Matches(msg, k.fifth):
		m.show(eventsTab)
	case key.Matches(msg, k.nextTab):
		m.show(m.tab + 1)
	case key.Matches(msg, k.prevTab):
		m.show(m.tab - 1)
	case key.Matches(msg, k.back):
		m.back()
	case key.Matches(msg, k.why):
		m.openWhy()
	case key.Matches(msg, k.events):
		m.openEvents()
	case key.Matches(msg, k.copy):
		return m.copyRow()
	case key.Matches(msg, k.copyPage):
		return m.copyPage()
	case key.Matches(msg, k.record):
		m.toggleRecording()
	case key.Matches(msg, k.keep):
		m.keepLast()
	case key.Matches(msg, k.mouse):
		m.toggleMouse()
	case key.Matches(msg, k.trace):
		m.openTracing()
	case key.Matches(msg, k.open):
		m.enter(m.chosen())
	case m.page() != nil:
		if to := k.motion(msg); to != still {
			m.page().move(to)
		}
	default:
		m.pressTable(msg)
	}
	return nil
}

func (m *Model) pressTable(msg tea.KeyPressMsg) {
	k, shown := m.keys, m.panes[m.tab]
	switch {
	case key.Matches(msg, k.filter):
		m.filter.typing = true
	case key.Matches(msg, k.chooseSort):
		m.openSort()
	case key.Matches(msg, k.columns):
		m.openColumns()
	case key.Matches(msg, k.nextSort):
		shown.sortBy(1)
	case key.Matches(msg, k.prevSort):
		shown.sortBy(-1)
	case key.Matches(msg, k.nextFailing):
		m.goToFailing(1)
	case key.Matches(msg, k.prevFailing):
		m.goToFailing(-1)
	case key.Matches(msg, k.reverse):
		shown.reverseOrder()
	case key.Matches(msg, k.group):
		m.regroup()
	case key.Matches(msg, k.fold):
		shown.foldIdle()
	case key.Matches(msg, k.freeze):
		shown.freezeOrder()
	default:
		if to := k.motion(msg); to != still {
			shown.move(to)
		}
	}
}

// show switches to another table.
func (m *Model) show(tab int) {
	m.tab = (tab + len(m.panes)) % len(m.panes)
	m.trail = nil
	m.refresh()
}

// regroup shows the processes in the next grouping.
func (m *Model) regroup() {
	p, ok := m.panes[m.tab].(*processes)
	if !ok {
		m.say(quiet, "only processes can be grouped: 2 g")
		return
	}
	p.regroup()
	m.refresh()
}

// back leaves the detail, else it clears the filter.
func (m *Model) back() {
	if last := len(m.trail) - 1; last >= 0 {
		m.trail = m.trail[:last]
	} else {
		m.filter = filter{}
	}
	m.refresh()
}

// goToFailing moves the cursor to the next row in trouble, or the previous one.
func (m *Model) goToFailing(step int) {
	if !m.panes[m.tab].nextFailing(step) {
		where := "below"
		if step < 0 {
			where = "above"
		}
		m.say(quiet, "no row in trouble "+where+" the cursor")
	}
}

func (m *Model) togglePause() {
	m.paused = !m.paused
	if !m.paused && m.latest != nil {
		m.showLatest()
	}
}

// typeFilter takes a key of the filter; the arrows still move through the rows, Tab completes a field.
func (m *Model) typeFilter(msg tea.KeyPressMsg) {
	if to := m.keys.motion(msg); to != still && msg.Text == "" {
		m.panes[m.tab].move(to)
		return
	}
	if msg.Keystroke() == "tab" {
		m.filter.complete(m.panes[m.tab].filterFields())
	} else {
		m.filter.press(msg)
	}
	m.refresh()
}

func (m *Model) paste(text string) {
	switch {
	case m.filter.typing:
		m.filter.paste(text)
		m.refresh()
	case m.asking:
		m.prompt.Paste(text)
	}
}
