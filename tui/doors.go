package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// What a line of a page leads to: each returns nil if the snapshot has no such row any more.

func processOf(s *snapshot.Snapshot, id event.ProcID) subject {
	for i := range s.Processes {
		if row := &s.Processes[i]; row.Info.ID == id {
			return &processDetail{followed[snapshot.Process, event.ProcID]{row, s, processRows, keyOfProcess}}
		}
	}
	return nil
}

func spaceOf(s *snapshot.Snapshot, key snapshot.SpaceID) subject {
	for i := range s.PortSpaces {
		if s.PortSpaces[i].ID() == key {
			return &spaceDetail{followed[snapshot.PortSpace, snapshot.SpaceID]{&s.PortSpaces[i], s, spaceRows, (*snapshot.PortSpace).ID}}
		}
	}
	return nil
}

func destinationOf(s *snapshot.Snapshot, key destinationKey) subject {
	for i := range s.Destinations {
		if keyOfDestination(&s.Destinations[i]) == key {
			return &destinationDetail{followed[snapshot.Destination, destinationKey]{&s.Destinations[i], s, destinationRows, keyOfDestination}}
		}
	}
	return nil
}

func failureOf(s *snapshot.Snapshot, key failureKey) subject {
	rows := snapshot.FailuresByProgram(s)
	for i := range rows {
		if keyOfFailure(&rows[i]) == key {
			return &failureDetail{followed[snapshot.ProgramFailure, failureKey]{&rows[i], s, snapshot.FailuresByProgram, keyOfFailure}}
		}
	}
	return nil
}

// keyOfPair identifies a pair by its destination.
func keyOfPair(p *snapshot.Pair) destinationKey { return destinationKey{p.Netns, p.Proto, p.Remote} }

// towards returns the fullest port space towards the destination of a pair, else the destination.
func towards(s *snapshot.Snapshot, p *snapshot.Pair) subject {
	key := keyOfPair(p)
	for i := range s.PortSpaces { // fullest first
		if space := &s.PortSpaces[i]; space.Kind == snapshot.ConnectSpace && leadsTo(space, key) {
			return spaceOf(s, space.ID())
		}
	}
	return destinationOf(s, key)
}

// leadsTo reports whether connections to the destination take ports of the space.
func leadsTo(space *snapshot.PortSpace, to destinationKey) bool {
	return space.Netns == to.netns && space.Remote == to.remote && space.Proto == to.proto
}

// victimKey names a program in the list of those without a port: it can hold some, too.
type victimKey snapshot.ProgramKey

// programOf returns the process of a program that is one, else the group of its processes.
func programOf(s *snapshot.Snapshot, p *snapshot.Program) subject {
	if p.Processes <= 1 {
		return processOf(s, p.Proc.ID)
	}
	key := snapshot.GroupKey{Executable: p.Executable, Script: p.Script, Unknown: !p.Known()}
	if g := snapshot.GroupOf(s, snapshot.ByProgram, key); g != nil {
		return &groupDetail{row: g, snapshot: s, by: snapshot.ByProgram}
	}
	return processOf(s, p.Proc.ID)
}

// writeSpacesTowards lists the port spaces of the connections to a destination.
func writeSpacesTowards(to *sheet, s *snapshot.Snapshot, d *snapshot.Destination) {
	var rows []snapshot.PortSpace
	key := keyOfDestination(d)
	for i := range s.PortSpaces {
		if leadsTo(&s.PortSpaces[i], key) {
			rows = append(rows, s.PortSpaces[i])
		}
	}
	if len(rows) == 0 {
		return
	}
	t := newSpaces()
	t.snapshot = s
	to.section("Port spaces towards it")
	listing(to, t.columns, rows, func(row *snapshot.PortSpace) (any, func() subject) {
		key := row.ID()
		return key, func() subject { return spaceOf(s, key) }
	})
}
