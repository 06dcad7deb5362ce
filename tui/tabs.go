package tui

import (
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The tables, in the order of the questions that an engineer on call has.
const (
	spacesTab = iota
	processesTab
	destinationsTab
	failuresTab
)

var tabNames = [...]string{"Port spaces", "Processes", "Destinations", "Failures"}

// tabLine returns the names of the tables, or of what covers them.
func (m *Model) tabLine() string {
	if m.help != nil {
		return " " + m.styles.paint(strong, "Help")
	}
	if page := m.page(); page != nil {
		return " " + tabNames[m.tab] + " › " + m.styles.paint(strong, page.title())
	}
	var tabs []string
	for i, name := range tabNames {
		label := name
		if m.shown != nil {
			label += " " + rowCount(m.shown, i)
		}
		if i == m.tab {
			tabs = append(tabs, m.styles.paint(chosen, "["+label+"]"))
		} else {
			tabs = append(tabs, " "+m.styles.paint(m.tabTone(i), label)+" ")
		}
	}
	return strings.Join(tabs, " ")
}

// tabTone makes the failures stand out while there are new ones.
func (m *Model) tabTone(tab int) tone {
	if m.shown != nil && tab == failuresTab && m.shown.Rates.Failures > 0 {
		return fail
	}
	return plain
}

// rowCount returns the number of rows, with + if there are more than the table lists, or
// that it is not known.
func rowCount(s *snapshot.Snapshot, tab int) string {
	if tab == failuresTab && phrase.CensusOnly(s) {
		return phrase.Unknown
	}
	rows, more := len(s.Failures), false
	switch tab {
	case spacesTab:
		rows, more = len(s.PortSpaces), s.OtherPortSpaces > 0
	case processesTab:
		rows, more = len(s.Processes), s.OtherProcesses != nil
	case destinationsTab:
		rows, more = len(s.Destinations), s.OtherDestinations != nil
	}
	if more {
		return phrase.Count(rows) + "+"
	}
	return phrase.Count(rows)
}
