package aggregate

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Snapshot returns the view of the state at a moment of the stream, at or after the last
// event. The spaces of the focus have a map, if there are such. The table's time moves on, too.
func (s *State) Snapshot(at event.Time, focus ...snapshot.SpaceID) *snapshot.Snapshot {
	fills := s.fillsAt(at)
	s.table.Advance(at)
	s.advance(at)
	s.settle()
	clock := s.world.Clock
	b := s.backlog(false)
	defer s.backlogMaps.giveBack(b.backlogMaps)
	snap := &snapshot.Snapshot{
		At:      s.now,
		Wall:    clock.WallTime(s.now),
		Started: clock.WallTime(s.started),
		Elapsed: s.now.Sub(s.started),
		Host:    s.world.Host,
		Clock:   clock,
		Signals: s.world.Signals,
		Health:  s.health.Since(s.healthBefore),
		Notices: slices.Clone(s.notices),
		Totals:  totals(s.total, b.total.plus(gauges{closeWait: s.endedEarly(b)})),
		Rates:   s.total.history.Rates(s.started, s.now),
		History: s.total.history.Share(s.now),

		Gaps:      s.gaps.rows(clock),
		OlderGaps: s.gaps.older,

		RecentEvents:  s.recent.newest(),
		EventsLeftOut: s.recent.leftOut,
	}
	snap.Health.Unattributed = s.unattributed
	snap.Filtered, snap.SelectedEvents = s.scope.filtered, s.scope.events
	if s.table.AtLimit() {
		snap.SocketLimit = s.table.Limit()
	}
	snap.Totals.TimeWaitOther = s.buckets.unattributed(s.table, s.scope.whole)
	s.addLimits(snap)
	s.addProcesses(snap, b)
	s.addPast(snap, b)
	s.addDestinations(snap, b)
	s.addPairs(snap, b)
	s.failures.rows(s, snap)
	s.addSpaces(snap, fills, focus)
	fills.addTo(snap)
	s.markGone(snap)
	return snap
}

// wallTime returns the zero time for what is not known or has not happened.
func wallTime(clock event.Clock, t event.Time) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return clock.WallTime(t)
}

// totals returns the counts of a row. held is its sockets in the table. In a storm the end of a
// connection can be counted before its beginning is read: no gauge is below zero then.
func totals(r *row, held gauges) snapshot.Totals {
	t := r.Totals
	t.TimeWaitOut = max(t.TimeWaitOut+held.out, 0)
	t.TimeWaitIn = max(t.TimeWaitIn+held.in, 0)
	t.SynSent = max(t.SynSent+held.synSent, 0)
	t.CloseWait = max(t.CloseWait+held.closeWait, 0)
	t.BeforeStart = held.before
	t.EndedUnseen = 0
	t.EndedUnseen = t.Balance() - r.looseLive - held.live
	t.LifetimeP50 = r.lifetimes.Quantile(0.5)
	t.LifetimeP99 = r.lifetimes.Quantile(0.99)
	return t
}

// endedEarly returns how many accepted connections have left CLOSE_WAIT by what was counted and have not
// entered it yet, so that the gauge of their process is below zero: those of other processes are there
// nevertheless.
func (s *State) endedEarly(b *backlog) (sum int64) {
	for id, r := range s.processes.rows {
		sum -= min(r.CloseWait+b.processes[id].closeWait, 0)
	}
	return sum
}

func (s *State) processRow(info event.Process, r *row, g gauges) snapshot.Process {
	return snapshot.Process{
		Info:    info,
		Totals:  totals(r, g),
		Rates:   r.history.Rates(s.started, s.now),
		History: r.history.Share(s.now),
		First:   wallTime(s.world.Clock, r.first),
		Last:    wallTime(s.world.Clock, r.last),

		Lifetimes:  r.lifetimes.Share(),
		Files:      s.files.of(info.ID),
		EarlyBinds: r.earlyBinds,
	}
}

func (s *State) addProcesses(snap *snapshot.Snapshot, b *backlog) {
	own := s.ownPorts()
	snap.Processes, _ = snapshotRows(s.processes, byOpens(snapshot.ProcessColumns()), func(id event.ProcID, r *row) snapshot.Process {
		row := s.processRow(*r.info, r, b.processes[id])
		if row.OwnPorts = own[id]; row.OwnPorts != nil {
			row.OwnPorts.Ended = wallTime(s.world.Clock, r.ended)
		}
		return row
	})
	if !s.past.empty() {
		other := s.processRow(event.Process{}, s.past.sum(), others(b.processes, s.processes))
		snap.OtherProcesses = &other
	}
}

func (s *State) destination(key destKey, r *row, g gauges) snapshot.Destination {
	name, gone := s.netnsOf(key)
	return snapshot.Destination{
		Netns:     key.netns,
		NetnsName: name,
		NetnsGone: gone,
		Proto:     key.proto,
		Remote:    key.remote,
		Totals:    totals(r, g),
		Rates:     r.history.Rates(s.started, s.now),
		History:   r.history.Share(s.now),
		First:     wallTime(s.world.Clock, r.first),
		Last:      wallTime(s.world.Clock, r.last),
	}
}

func (s *State) addDestinations(snap *snapshot.Snapshot, b *backlog) {
	snap.Destinations, _ = snapshotRows(s.dests, byOpens(snapshot.DestinationColumns()), func(key destKey, r *row) snapshot.Destination {
		return s.destination(key, r, b.dests[key])
	})
	if r := s.dests.other; r != nil {
		other := s.destination(destKey{}, r, b.otherDests)
		snap.OtherDestinations = &other
	}
}

// byOpens returns the order of a snapshot's rows, the same each time.
func byOpens[T any](columns []snapshot.Column[T]) snapshot.Column[T] {
	column, _ := snapshot.ColumnNamed(columns, "opens")
	return column
}
