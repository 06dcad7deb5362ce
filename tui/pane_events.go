package tui

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
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

// eventRows returns the events, the newest first.
func eventRows(s *snapshot.Snapshot) []snapshot.RecentEvent {
	list := slices.Clone(s.RecentEvents)
	slices.Reverse(list)
	return list
}

func newEvents() *eventTable {
	t := &eventTable{}
	t.columns = eventColumns(func() event.Clock { return t.snapshot.Clock })
	t.source, t.key = eventRows, keyOfEvent
	t.traced = true
	t.state = func(e *snapshot.RecentEvent) tone { return eventTone(&e.Event) }
	t.fields = processFields | placeFields | query.SetOf(query.Kind, query.Errno, query.Reason, query.Source, query.State)
	t.fillRow = eventRow
	t.detail = func(row followed[snapshot.RecentEvent, eventKey]) subject { return &eventDetail{row} }
	t.empty = [...]string{"nothing has happened", "the newest events of sockets are listed, at most 200 a second"}
	return t
}

func (t *eventTable) set(s *snapshot.Snapshot, filter *query.Query) { t.show(s, nil, filter) }

func (t *eventTable) begin(*snapshot.Snapshot, *verdict.Verdict) {}

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
		{title: "FROM → TO", min: 24, max: 44, left: true, cell: func(e *row, width int) string { return eventEnds(&e.Event, width) }},
		{title: "DETAIL", rank: 4, min: 12, max: 60, left: true, cell: func(e *row, _ int) string {
			return printable.String(export.Detail(&e.Event, export.Context{Process: e.Process, Netns: e.NetnsName, Clock: clock()}))
		}},
	}
}

// eventEnds returns LOCAL → REMOTE in at most width cells. The remote end is the one that differs, so
// the local one is cut first.
func eventEnds(e *event.Event, width int) string {
	text := export.Addresses(e)
	over := cells(text) - width
	local, rest, two := strings.Cut(text, " ")
	if over <= 0 || !two {
		return cut(text, width)
	}
	return cut(cut(local, max(cells(local)-over, 2))+" "+rest, width)
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
