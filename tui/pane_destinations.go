package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/query"
)

// destinationKey identifies a destination.
type destinationKey struct {
	netns  uint32
	proto  event.Proto
	remote event.Endpoint
}

func keyOfDestination(d *snapshot.Destination) destinationKey {
	return destinationKey{d.Netns, d.Proto, d.Remote}
}

// destinations is the table of destinations.
type destinations struct {
	table[snapshot.Destination, destinationKey]
	withoutNetns []column[snapshot.Destination]
	withNetns    []column[snapshot.Destination]
}

func destinationRows(s *snapshot.Snapshot) []snapshot.Destination { return s.Destinations }

func newDestinations() *destinations {
	d := &destinations{}
	d.withoutNetns = ordered(d.newColumns(false), snapshot.DestinationColumns())
	d.withNetns = ordered(d.newColumns(true), snapshot.DestinationColumns())
	d.columns = d.withoutNetns
	d.order = "open_rate"
	d.source, d.key = destinationRows, keyOfDestination
	d.traced = true
	d.fields, d.fillRow = placeFields|totalFields|query.SetOf(query.PID, query.Comm), destinationRow
	d.state = func(row *snapshot.Destination) tone { return stateOf(&row.Totals, row.Rates) }
	d.idle = func(row *snapshot.Destination) bool { return idleTotals(&row.Totals, row.Rates) }
	d.idling, d.urgent = idlingRows, true
	d.detail = func(row followed[snapshot.Destination, destinationKey]) subject { return &destinationDetail{row} }
	d.empty = [...]string{"no outgoing connection", "a row appears for each address and port that a process connects to"}
	return d
}

func (d *destinations) newColumns(withNetns bool) []column[snapshot.Destination] {
	columns := []column[snapshot.Destination]{
		{name: "destination", title: "DESTINATION", min: 21, max: 50, left: true, rising: true, cell: d.name},
	}
	if withNetns {
		columns = append(columns, column[snapshot.Destination]{
			name: "netns", title: "NETNS", rank: 7, min: 10, max: 16, left: true, rising: true, cell: d.netns,
		})
	}
	columns = append(columns, openRateColumn(func(row *snapshot.Destination) snapshot.Rates { return row.Rates }))
	columns = append(columns, totalColumns(func(row *snapshot.Destination) *snapshot.Totals { return &row.Totals })...)
	return append(columns, historyColumn(func(row *snapshot.Destination) snapshot.History { return row.History }))
}

func (d *destinations) name(row *snapshot.Destination, width int) string {
	if row == d.other {
		return "(others)"
	}
	return destination(row, width)
}

// destination returns the name of a row.
func destination(row *snapshot.Destination, width int) string {
	return remoteEnd(row.Proto, row.Remote, width)
}

func (d *destinations) netns(row *snapshot.Destination, _ int) string {
	if row == d.other {
		return ""
	}
	return phrase.NetnsState(row.NetnsName, row.Netns, row.NetnsGone)
}

func (d *destinations) set(s *snapshot.Snapshot, filter *query.Query) {
	d.columns = d.withoutNetns
	if several(s.Destinations, func(row *snapshot.Destination) uint32 { return row.Netns }) {
		d.columns = d.withNetns
	}
	d.show(s, s.OtherDestinations, filter)
}

func (d *destinations) begin(_ *snapshot.Snapshot, v *verdict.Verdict) {
	d.foremost = nil
	switch {
	case v.Space != nil && v.Space.Kind == snapshot.ConnectSpace:
		d.foremost = &destinationKey{v.Space.Netns, v.Space.Proto, v.Space.Remote}
	case v.Failure != nil && isConnect(v.Failure):
		d.foremost = &destinationKey{v.Failure.Netns, v.Failure.Proto, v.Failure.Target}
	}
}
