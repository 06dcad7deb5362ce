package tui

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// isAbout reports whether an event is about what a row shows.
func (a *about) isAbout(e *snapshot.RecentEvent) bool {
	if len(a.netns) > 0 && !slices.Contains(a.netns, e.Netns) {
		return false
	}
	switch {
	case a.remote.Known():
		return e.Dst == a.remote && (a.local == event.Addr{} || e.Src.Addr == a.local || e.Src.Addr == event.Addr{})
	case a.port != 0:
		return e.Src.Port == a.port
	case a.local != event.Addr{}:
		return e.Src.Addr == a.local
	}
	return slices.Contains(a.procs, e.Proc)
}

// eventList is the newest events of a row.
type eventList struct {
	of       subject
	snapshot *snapshot.Snapshot
}

// openEvents lists the events of the detail, or of the row under the cursor.
func (m *Model) openEvents() {
	of := m.subjectHere()
	if of == nil {
		m.say(quiet, "there is no row whose events could be listed")
		return
	}
	if _, is := of.(*eventList); is {
		return
	}
	m.enter(&eventList{of: of})
}

func (l *eventList) title() string { return "events" }
func (l *eventList) about() *about { return l.of.about() }

func (l *eventList) update(s *snapshot.Snapshot) bool {
	l.snapshot = s
	l.of.update(s)
	return true
}

func (l *eventList) write(to *sheet) {
	rows := newestEvents(l.snapshot, l.of.about().isAbout, len(l.snapshot.RecentEvents))
	if left := l.snapshot.EventsLeftOut; left > 0 {
		to.field("", phrase.Plural(left, "event")+" of busy seconds not listed; porttrace events has all", quiet)
	}
	if len(rows) == 0 {
		to.text("None of the newest events (" + phrase.Count(len(l.snapshot.RecentEvents)) + ") is about it.")
		return
	}
	listEvents(to, l.snapshot, rows)
}

// newestEvents returns the wanted events, the newest first, most at the most.
func newestEvents(s *snapshot.Snapshot, wanted func(*snapshot.RecentEvent) bool, most int) []snapshot.RecentEvent {
	var rows []snapshot.RecentEvent
	for i := range slices.Backward(s.RecentEvents) {
		if e := &s.RecentEvents[i]; len(rows) < most && wanted(e) {
			rows = append(rows, *e)
		}
	}
	return rows
}

// tonedEventColumns are the columns of a list that has no state of its own.
func tonedEventColumns(s *snapshot.Snapshot) []column[snapshot.RecentEvent] {
	columns := eventColumns(func() event.Clock { return s.Clock })
	for i := range columns {
		columns[i].tone = func(e *snapshot.RecentEvent) tone { return eventTone(&e.Event) }
	}
	return columns
}

// listEvents lists events that lead to their pages.
func listEvents(to *sheet, s *snapshot.Snapshot, rows []snapshot.RecentEvent) {
	listing(to, tonedEventColumns(s), rows, func(e *snapshot.RecentEvent) (any, func() subject) {
		key, one := keyOfEvent(e), *e
		return key, func() subject { return eventOf(s, &one) }
	})
}

func eventOf(s *snapshot.Snapshot, e *snapshot.RecentEvent) subject {
	t := newEvents()
	return &eventDetail{followed[snapshot.RecentEvent, eventKey]{e, s, t.source, t.key}}
}

// maxLastEvents is how many events a detail of another row lists.
const maxLastEvents = 8

// writeLastEvents lists the newest events of a row.
func writeLastEvents(to *sheet, s *snapshot.Snapshot, about *about) {
	rows := newestEvents(s, about.isAbout, maxLastEvents)
	if len(rows) == 0 {
		return
	}
	to.section("Last events")
	listEvents(to, s, rows)
}

// tailLines returns the newest events, in a frame.
func (m *Model) tailLines(width, height int) []string {
	var above []string
	if n := m.incidentHeight(height); n > 0 {
		above = m.incidentLines(width, n)
		height -= n
	}
	to := newSheet(width-frameCells, m.styles)
	rows := newestEvents(m.shown, func(*snapshot.RecentEvent) bool { return true }, height-frameRows-1)
	listing(to, tonedEventColumns(m.shown), rows, nil)
	f := frame{title: m.styles.paint(strong, "newest events"), right: m.styles.hint("5", "all"), tone: border}
	return append(above, f.draw(to.lines, width, height, m.styles)...)
}
