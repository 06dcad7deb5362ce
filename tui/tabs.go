package tui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The tables, in the order of the questions that an engineer on call has.
const (
	spacesTab = iota
	processesTab
	destinationsTab
	failuresTab
	eventsTab
)

var tabNames = [...]string{"Port spaces", "Processes", "Destinations", "Failures", "Events"}

// shortTabNames are for a width that does not hold all of those.
var shortTabNames = [...]string{"Spaces", "Procs", "Dests", "Fails", "Events"}

// tabGap is between the names of two tables.
const tabGap = "  "

// tabLine returns the names of the tables, or of what covers them.
func (m *Model) tabLine() string {
	switch {
	case m.help != nil:
		return m.styles.paint(strong, "Help")
	case m.menu != nil:
		return m.styles.paint(strong, m.menu.title)
	case len(m.trail) > 0:
		return m.breadcrumbs()
	}
	return strings.Join(m.tabLabels(), tabGap)
}

// tabLabels returns the names of the tables with their numbers of rows, as long as there is room.
func (m *Model) tabLabels() []string {
	room := m.width
	if m.layout.framed {
		room = m.layout.list - frameCells - 2
	}
	const roomForNames = 96 // whatever the numbers are: the names must not change with them
	forms := []tabForm{{&tabNames, true}, {&shortTabNames, true}, {&shortTabNames, false}}
	if room < roomForNames {
		forms = forms[1:]
	}
	for len(forms) > 1 && cells(strings.Join(m.labelTabs(forms[0]), tabGap)) > room {
		forms = forms[1:]
	}
	return m.labelTabs(forms[0])
}

// tabForm is how long the names of the tables are; the one shown always has its number of rows.
type tabForm struct {
	names  *[len(tabNames)]string
	counts bool
}

func (m *Model) labelTabs(form tabForm) []string {
	var tabs []string
	for i, name := range form.names {
		count := ""
		if m.shown != nil && (form.counts || i == m.tab) {
			count = " " + rowCount(m.shown, i)
		}
		number := strconv.Itoa(i + 1)
		if i == m.tab {
			tabs = append(tabs, m.styles.paint(accent, "["+number+" "+name+count+"]"))
		} else {
			tabs = append(tabs, m.styles.paint(quiet, number)+" "+m.styles.paint(m.tabTone(i), name+count))
		}
	}
	return tabs
}

// breadcrumbs returns the way to the detail on the screen; of a long one the newest part.
func (m *Model) breadcrumbs() string {
	const arrow = " › "
	way := m.styles.paint(quiet, tabNames[m.tab])
	room := m.width - frameCells - 16
	for i, d := range m.trail {
		title, t := d.title(), quiet
		if i == len(m.trail)-1 {
			t = strong
		}
		way += m.styles.paint(quiet, arrow) + m.styles.paint(t, title)
	}
	if over := cells(way) - room; over > 0 {
		way = m.styles.paint(quiet, "…") + ansi.TruncateLeftWc(way, over+1, "")
	}
	return way
}

// tabTone makes the failures stand out while there are new ones.
func (m *Model) tabTone(tab int) tone {
	if m.shown != nil && tab == failuresTab && m.shown.Rates.Failures > 0 {
		return fail
	}
	return quiet
}

// rowCount returns the number of rows, with + if there are more than the table lists, or
// that it is not known.
func rowCount(s *snapshot.Snapshot, tab int) string {
	if tab == failuresTab && phrase.CensusOnly(s) {
		return phrase.Unknown
	}
	rows, more := len(snapshot.FailuresByProgram(s)), false
	switch tab {
	case spacesTab:
		rows, more = len(s.PortSpaces), s.OtherPortSpaces > 0
	case processesTab:
		rows, more = len(s.Processes), s.OtherProcesses != nil
	case destinationsTab:
		rows, more = len(s.Destinations), s.OtherDestinations != nil
	case eventsTab:
		rows = len(s.RecentEvents)
	}
	if more {
		return phrase.Count(rows) + "+"
	}
	return phrase.Count(rows)
}
