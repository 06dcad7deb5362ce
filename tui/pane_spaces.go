package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/query"
)

// spaces is the table of port spaces.
type spaces struct {
	table[snapshot.PortSpace, snapshot.SpaceID]
	withoutNetns []column[snapshot.PortSpace]
	withNetns    []column[snapshot.PortSpace]
	// unanswered are the calls that got no answer, by what they were for: they have failed, though not
	// for want of a port.
	unanswered map[destinationKey]unanswered
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
	s.state = func(row *snapshot.PortSpace) tone {
		t := s.pressure(row)
		switch {
		case s.failed(row).rate > 0:
			return fail
		case t == plain && row.SynSent > 0:
			return warn
		}
		return t
	}
	s.idle = func(row *snapshot.PortSpace) bool { return idleSpace(row, s.snapshot.Wall) }
	s.idling = "below 5 %, without failures and not filling up"
	s.detail = func(row followed[snapshot.PortSpace, snapshot.SpaceID]) subject { return &spaceDetail{row} }
	s.empty = [...]string{"no port was allocated", "a row appears for each local address and destination with connections"}
	return s
}

func (s *spaces) set(snap *snapshot.Snapshot, filter *query.Query) {
	s.unanswered = unansweredCalls(snap)
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

// begin places the cursor on the space of the verdict, or the one towards a peer that it is about.
func (s *spaces) begin(snap *snapshot.Snapshot, v *verdict.Verdict) {
	s.foremost = nil
	switch {
	case v.Space != nil:
		s.foremost = new(v.Space.ID())
	case v.Failure != nil && isConnect(v.Failure):
		f := v.Failure
		for i := range snap.PortSpaces {
			if space := &snap.PortSpaces[i]; leadsTo(space, destinationKey{f.Netns, f.Proto, f.Target}) {
				s.foremost = new(space.ID())
				return
			}
		}
	}
}

type unanswered struct {
	calls uint64
	rate  float64
}

func unansweredCalls(s *snapshot.Snapshot) map[destinationKey]unanswered {
	calls := map[destinationKey]unanswered{}
	for i := range s.Failures {
		f := &s.Failures[i]
		if isConnect(f) && (f.Reason == event.TimedOut || f.Reason == event.GivenUp) && !f.Harmless() {
			key := destinationKey{f.Netns, f.Proto, f.Target}
			sum := calls[key]
			calls[key] = unanswered{sum.calls + f.Count, sum.rate + f.Rate}
		}
	}
	return calls
}

// failed returns how many calls of a space have failed: those that found no port, and those that got no
// answer. All that go to the destination count for the space that connects.
func (s *spaces) failed(row *snapshot.PortSpace) unanswered {
	sum := unanswered{row.Exhausted, row.ExhaustionRate}
	if row.Kind == snapshot.ConnectSpace {
		more := s.unanswered[destinationKey{row.Netns, row.Proto, row.Remote}]
		sum.calls, sum.rate = sum.calls+more.calls, sum.rate+more.rate
	}
	return sum
}
