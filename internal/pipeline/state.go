package pipeline

import (
	"slices"

	"github.com/porttrace/porttrace/internal/aggregate"
	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// State is what the stream has shown so far. It is for one goroutine.
type State struct {
	filter     *filter.Filter
	world      event.World
	table      *portspace.Table // nil if nothing reads it
	scans      reconciler
	thresholds *portspace.Thresholds // nil if nothing reads its events
	rows       *aggregate.State      // nil if no snapshot is made
	changes    uint64                // events of sockets so far, and what scans have found
}

// NewState returns a State of which snapshots can be made. Its rows count what the filter
// selects.
func NewState(f *filter.Filter) *State {
	s := newState(f, true, false)
	s.rows = aggregate.New(&s.world, s.table)
	s.rows.SelectNetns(f.SelectsNetns)
	return s
}

// newState returns a State without rows. The table of sockets is kept only if something
// reads it.
func newState(f *filter.Filter, scans, thresholds bool) *State {
	s := &State{filter: f}
	if scans || thresholds {
		s.table = portspace.New(bounds.OfProcess().Of(portspace.Limit))
		s.scans = newReconciler(s.table)
	}
	if thresholds {
		s.thresholds = portspace.NewThresholds(s.table)
	}
	return s
}

// Add takes the next batch, and what its scan changes. It returns the tee's first error,
// after which the tee is not called again, but all of the batch is counted.
func (s *State) Add(batch event.Batch, tee Tee) error {
	out := output{tee: tee, world: &s.world}
	s.addAll(batch.Events, &out)
	if s.table != nil {
		s.scans.observe(batch)
		s.addScan(batch.Scan, &out)
	}
	return out.err
}

// output is the tee of a batch.
type output struct {
	tee   Tee
	world *event.World
	err   error
}

func (o *output) put(e *event.Event) {
	if o.tee != nil && o.err == nil {
		o.err = o.tee(e, o.world)
	}
}

// addScan compares each namespace's part of a scan with the table, and takes the differences.
func (s *State) addScan(scan *event.Scan, out *output) {
	if scan == nil {
		return
	}
	for i := range scan.Netns {
		s.scans.each(&scan.Netns[i], scan.At, func(e *event.Event) { s.add(e, out) })
	}
	s.scans.done()
}

func (s *State) addAll(events []event.Event, out *output) {
	for i := range events {
		s.add(&events[i], out)
	}
}

func (s *State) add(e *event.Event, out *output) {
	if e.Kind == event.SpaceChanged || e.Kind == event.EventsLost {
		return // follows from the stream and is no part of it, but a recording can hold anything
	}
	if s.rows != nil {
		s.rows.Advance(e.Time)
	}
	if s.thresholds != nil {
		putAll(s.thresholds.Advance(e.Time), out)
	}
	if s.table != nil {
		s.table.Complete(e)
	}
	s.world.Apply(e)
	if e.Kind.AboutSocket() || e.Kind == event.SocketFound || e.Kind == event.SocketGone {
		s.changes++
	}
	s.markNotSelected(e)
	out.put(e)
	if s.table == nil {
		return
	}
	s.table.Add(e)
	if s.thresholds != nil {
		putAll(s.thresholds.Add(e), out)
	}
	if s.rows != nil {
		s.rows.Add(e)
	}
}

// markNotSelected marks an event that the filter leaves out.
func (s *State) markNotSelected(e *event.Event) {
	if s.filter == nil {
		return
	}
	use, counted := e.Fact.(*event.UDPUse)
	if counted && !s.selectsUDP(e, use) || isFiltered(e.Kind) && !s.filter.Match(e, s.world.Process(e.Proc)) {
		e.Flags |= event.NotSelected
	}
}

// selectsUDP reports whether the filter selects all of the namespace, or a process that holds many of
// its ports: a count of sockets has no process of its own.
func (s *State) selectsUDP(e *event.Event, use *event.UDPUse) bool {
	held := *e
	held.Kind = event.Bind
	return s.filter.SelectsAllOf(e.Netns) || slices.ContainsFunc(use.Holders, func(h event.UDPHolder) bool {
		held.Proc = h.Proc
		return s.filter.Match(&held, s.world.Process(h.Proc))
	})
}

// isFiltered reports whether events of the kind belong to a process, so that the filter applies.
func isFiltered(k event.Kind) bool {
	return k.AboutSocket() || k == event.SocketFound || k == event.FilesCounted
}

func putAll(events []event.Event, out *output) {
	for i := range events {
		out.put(&events[i])
	}
}

// restart begins to count at a moment, at or after the last event.
func (s *State) restart(at event.Time) {
	if s.rows == nil {
		return
	}
	s.rows.Advance(at)
	s.table.Advance(at)
	s.table.RestartPeaks()
	s.rows.Restart(at)
}

// Snapshot returns the view at a moment of the stream, at or after the last event. The port
// spaces of the focus have a map. A State without rows has none.
func (s *State) Snapshot(at event.Time, focus ...snapshot.SpaceID) *snapshot.Snapshot {
	return s.rows.Snapshot(at, focus...)
}

// EachSpace calls f for each port space that the Snapshot at a moment has, fullest first, without
// the detail of a Snapshot. It takes a small part of its time.
func (s *State) EachSpace(at event.Time, f func(*snapshot.PortSpace)) {
	s.table.Advance(at)
	s.rows.EachSpace(at, f)
}

// WatchThresholds says whether the Tee gets events of the kind SpaceChanged, which it does not
// from a NewState.
func (s *State) WatchThresholds(watch bool) {
	s.thresholds = nil
	if watch {
		s.thresholds = portspace.NewThresholds(s.table)
	}
}
