package tui

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/query"
)

// eventKey identifies an event: no two of one socket happen at one moment.
type eventKey struct {
	at   event.Time
	kind event.Kind
	proc event.ProcID
	src  event.Endpoint
}

func keyOfEvent(e *snapshot.RecentEvent) eventKey { return eventKey{e.Time, e.Kind, e.Proc, e.Src} }

// eventTable is the table of the newest events, the newest first.
type eventTable struct {
	table[snapshot.RecentEvent, eventKey]
}

// newestEvents returns the events, the newest first.
func newestEvents(s *snapshot.Snapshot) []snapshot.RecentEvent {
	list := slices.Clone(s.RecentEvents)
	slices.Reverse(list)
	return list
}

func newEvents() *eventTable {
	t := &eventTable{}
	t.columns = eventColumns(func() event.Clock { return t.snapshot.Clock })
	t.source, t.key = newestEvents, keyOfEvent
	t.traced = true
	t.state = func(e *snapshot.RecentEvent) tone { return eventTone(&e.Event) }
	t.fields = processFields | placeFields | query.SetOf(query.Kind, query.Errno, query.Reason, query.Source, query.State)
	t.fillRow = eventRow
	t.detail = func(row followed[snapshot.RecentEvent, eventKey]) subject { return &eventDetail{row} }
	t.empty = [...]string{"nothing has happened", "the newest events of sockets are listed, at most 200 a second"}
	return t
}

func (t *eventTable) set(s *snapshot.Snapshot, filter *query.Query) { t.show(s, nil, filter) }

func eventColumns(clock func() event.Clock) []column[snapshot.RecentEvent] {
	type row = snapshot.RecentEvent
	return []column[row]{
		{title: "TIME", rank: 1, min: 12, left: true, cell: func(e *row, _ int) string {
			return phrase.Time(clock().WallTime(e.Time), "15:04:05.000")
		}},
		{title: "EVENT", rank: 2, min: 14, left: true, cell: func(e *row, _ int) string { return e.Kind.String() }},
		{title: "PROCESS", rank: 3, min: 14, max: 30, left: true, cell: func(e *row, width int) string {
			return process(e.Proc, e.Process.Program(), width)
		}},
		{title: "FROM → TO", min: 24, max: 44, left: true, cell: func(e *row, width int) string { return cut(export.Addresses(&e.Event), width) }},
		{title: "DETAIL", rank: 4, min: 12, max: 60, left: true, cell: func(e *row, _ int) string {
			return printable.String(export.Detail(&e.Event, export.Context{Process: e.Process, Netns: e.NetnsName, Clock: clock()}))
		}},
	}
}

func eventTone(e *event.Event) tone {
	switch e.Kind {
	case event.ConnectFail, event.BindFail:
		return fail
	case event.SynUnanswered:
		return warn
	case event.Close:
		return quiet
	}
	return plain
}

func eventRow(to *query.Row, e *snapshot.RecentEvent) {
	addProcess(to, e.Process)
	addPlace(to, e.NetnsName, e.Netns, false, e.Dst)
	to.Add(query.Text, export.Addresses(&e.Event))
	to.Add(query.Kind, e.Kind.String())
	to.Add(query.Errno, e.Errno.String())
	to.Add(query.Reason, e.Reason.String())
	if e.Src.Known() {
		to.AddSource(e.Src.AddrPort())
		to.AddPort(e.Src.Port, e.Src.Port)
	}
	addState(to, eventTone(&e.Event))
}

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
	about := l.of.about()
	var rows []snapshot.RecentEvent
	for i := range slices.Backward(l.snapshot.RecentEvents) {
		if e := &l.snapshot.RecentEvents[i]; about.isAbout(e) {
			rows = append(rows, *e)
		}
	}
	if left := l.snapshot.EventsLeftOut; left > 0 {
		to.field("", phrase.Grouped(left)+" events of busy seconds are not listed; porttrace events has all", quiet)
	}
	if len(rows) == 0 {
		to.text("None of the newest " + phrase.Count(len(l.snapshot.RecentEvents)) + " events is about it.")
		return
	}
	clock := func() event.Clock { return l.snapshot.Clock }
	columns := eventColumns(clock)
	for i := range columns {
		columns[i].tone = func(e *snapshot.RecentEvent) tone { return eventTone(&e.Event) }
	}
	listing(to, columns, rows, func(e *snapshot.RecentEvent) (any, func() subject) {
		key, one := keyOfEvent(e), *e
		return key, func() subject { return eventOf(l.snapshot, &one) }
	})
}

func eventOf(s *snapshot.Snapshot, e *snapshot.RecentEvent) subject {
	return &eventDetail{followed[snapshot.RecentEvent, eventKey]{e, s, newestEvents, keyOfEvent}}
}

// maxLastEvents is how many events a detail of another row lists.
const maxLastEvents = 8

// writeLastEvents lists the newest events of a row.
func writeLastEvents(to *sheet, s *snapshot.Snapshot, about *about) {
	var rows []snapshot.RecentEvent
	for i := range slices.Backward(s.RecentEvents) {
		if e := &s.RecentEvents[i]; about.isAbout(e) && len(rows) < maxLastEvents {
			rows = append(rows, *e)
		}
	}
	if len(rows) == 0 {
		return
	}
	to.section("Last events")
	listing(to, eventColumns(func() event.Clock { return s.Clock }), rows, func(e *snapshot.RecentEvent) (any, func() subject) {
		key, one := keyOfEvent(e), *e
		return key, func() subject { return eventOf(s, &one) }
	})
}

// tailLines returns the newest events, in a frame.
func (m *Model) tailLines(width, height int) []string {
	var above []string
	if n := m.incidentHeight(height); n > 0 {
		above = m.incidentLines(width, n)
		height -= n
	}
	to := newSheet(width-frameCells, m.styles)
	var rows []snapshot.RecentEvent
	for i := range slices.Backward(m.shown.RecentEvents) {
		if len(rows) < height-frameRows-1 {
			rows = append(rows, m.shown.RecentEvents[i])
		}
	}
	columns := eventColumns(func() event.Clock { return m.shown.Clock })
	for i := range columns {
		columns[i].tone = func(e *snapshot.RecentEvent) tone { return eventTone(&e.Event) }
	}
	listing(to, columns, rows, nil)
	f := frame{title: m.styles.paint(strong, "newest events"), right: m.styles.hint("5", "all"), tone: border}
	return append(above, f.draw(to.lines, width, height, m.styles)...)
}

// eventDetail is one event in full.
type eventDetail struct {
	followed[snapshot.RecentEvent, eventKey]
}

func (d *eventDetail) title() string { return d.row.Kind.String() }

func (d *eventDetail) about() *about {
	return &about{netns: []uint32{d.row.Netns}, procs: []event.ProcID{d.row.Proc}, remote: d.row.Dst, local: d.row.Src.Addr}
}

func (d *eventDetail) write(to *sheet) {
	e, s := d.row, d.snapshot
	to.field("event", e.Kind.String(), eventTone(&e.Event))
	to.field("time", phrase.Time(s.Clock.WallTime(e.Time), "2006-01-02 15:04:05.000000 MST"), plain)
	to.field("addresses", export.Addresses(&e.Event), plain)
	to.field("detail", printable.String(export.Detail(&e.Event, export.Context{Process: e.Process, Netns: e.NetnsName, Clock: s.Clock})), plain)
	if e.Kind == event.Close {
		to.field("lived", phrase.ShortDuration(time.Duration(e.Duration)), plain)
	}
	to.field("namespace", phrase.Netns(e.NetnsName, e.Netns), plain)
	to.section("Leads to")
	to.link("process", process(e.Proc, e.Process.Program(), to.width), plain, e.Proc, func() subject { return processOf(s, e.Proc) })
	if e.Dst.Known() {
		pair := &snapshot.Pair{Netns: e.Netns, Proto: e.Proto, Remote: e.Dst}
		to.link("destination", remoteEnd(e.Proto, e.Dst, to.width), plain, keyOfPair(pair), func() subject { return towards(s, pair) })
	}
}
