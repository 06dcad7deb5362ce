package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/query"
)

// spaces is the table of port spaces.
type spaces struct {
	table[snapshot.PortSpace, snapshot.SpaceID]
	withoutNetns []column[snapshot.PortSpace]
	withNetns    []column[snapshot.PortSpace]
}

func spaceRows(s *snapshot.Snapshot) []snapshot.PortSpace { return s.PortSpaces }

func newSpaces() *spaces {
	s := &spaces{}
	s.withoutNetns = ordered(s.newColumns(false), snapshot.SpaceColumns())
	s.withNetns = ordered(s.newColumns(true), snapshot.SpaceColumns())
	s.columns = s.withoutNetns
	s.order = "taken"
	s.source = spaceRows
	s.key = (*snapshot.PortSpace).ID
	s.fields, s.fillRow = placeFields|processFields|spaceFields, s.row
	s.state = s.pressure
	s.idle = func(row *snapshot.PortSpace) bool { return idleSpace(row, s.snapshot.Wall) }
	s.idling = "below 5 %, without failures and not filling up"
	s.detail = func(row followed[snapshot.PortSpace, snapshot.SpaceID]) subject { return &spaceDetail{row} }
	s.empty = [...]string{"no port was allocated", "a row appears for each local address and destination with connections"}
	return s
}

func (s *spaces) set(snap *snapshot.Snapshot, filter *query.Query) {
	s.columns = s.withoutNetns
	if several(snap.PortSpaces, func(row *snapshot.PortSpace) uint32 { return row.Netns }) {
		s.columns = s.withNetns
	}
	s.show(snap, nil, filter)
}

// idleSpace reports whether a space is of no interest: nearly empty, and it will stay so.
func idleSpace(s *snapshot.PortSpace, now time.Time) bool {
	const share, soon = 0.05, 10 * time.Minute
	f := s.Outlook()
	return s.Capacity > 0 && float64(s.InUse()) < share*float64(s.Capacity) && !s.AtRisk(now) && s.Exhausted == 0 &&
		(!f.Known || f.Never || f.ETA > soon)
}
