package kerneltest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	snapshotInterval = 100 * time.Millisecond
	// scanInterval is so short because on a machine with many namespaces a hundredth of a
	// processor, which is the default, makes a test wait for minutes.
	scanInterval = 500 * time.Millisecond
)

// spaceTrace is a trace that can be asked for port spaces while it runs: by its snapshots,
// and by a table that is fed from the same stream and also knows spaces that nothing has
// allocated from yet.
type spaceTrace struct {
	*trace
	shown chan *snapshot.Snapshot

	mu       sync.Mutex // for what follows, and for the events of the trace
	table    *portspace.Table
	scans    map[uint32]int // by namespace
	settings map[uint32]int // how often they were read, by namespace
}

// traceSpaces attaches, starts the pipeline without a filter, and keeps the events of some
// namespaces.
func traceSpaces(t *testing.T, nets ...*lab.Netns) *spaceTrace {
	t.Helper()
	return traceSpacesWith(t, live.Options{}, nets...)
}

func traceSpacesWith(t *testing.T, opts live.Options, nets ...*lab.Netns) *spaceTrace {
	t.Helper()
	opts.ScanInterval = cmp.Or(opts.ScanInterval, scanInterval)
	w := &spaceTrace{
		trace: newTrace(t, opts, nets),
		shown: make(chan *snapshot.Snapshot, 1),
		table: portspace.New(portspace.Limit), scans: map[uint32]int{}, settings: map[uint32]int{},
	}
	w.start(pipeline.Options{Tee: w.add, AfterBatch: w.advance, Snapshots: w.shown, Every: snapshotInterval})
	t.Cleanup(func() {
		if w.stop(); w.err != nil {
			t.Error(w.err)
		}
	})
	return w
}

func (w *spaceTrace) add(e *event.Event, world *event.World) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.table.Add(e)
	switch fact := e.Fact.(type) {
	case *event.Census:
		w.scans[fact.Netns]++
	case *event.Netns:
		w.settings[fact.Inode]++
	}
	return w.trace.add(e, world)
}

func (w *spaceTrace) advance(now event.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.table.Advance(now)
	return nil
}

// awaitScans waits for a scan of the namespaces and a reading of their settings that both
// began after the call, and that no event before the call makes doubtful: for the third of
// each. The first may have begun before, and what happened until the second began is read
// from the rings after that, so it can count as unsettled.
func (w *spaceTrace) awaitScans(nets ...*lab.Netns) {
	w.t.Helper()
	w.awaitCounts("scans of all sockets", nets, 3, w.scans, w.settings)
}

// awaitCounts waits until the counts of each namespace have grown by n.
func (w *spaceTrace) awaitCounts(what string, nets []*lab.Netns, n int, counts ...map[uint32]int) {
	w.t.Helper()
	read := func() (list []int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, n := range nets {
			for _, count := range counts {
				list = append(list, count[n.Inode()])
			}
		}
		return list
	}
	before := read()
	eventually(w.t, fmt.Sprint(n, " ", what), func() bool {
		for i, count := range read() {
			if count < before[i]+n {
				return false
			}
		}
		return true
	})
}

// withTable calls f with the table as it is now.
func (w *spaceTrace) withTable(f func(*portspace.Table)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.table)
}

// received returns the events of a kind and a namespace that have come by now.
func (w *spaceTrace) received(kind event.Kind, n *lab.Netns) []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.events), func(e event.Event) bool { return e.Kind != kind || e.Netns != n.Inode() })
}

// snapshot returns the next one that contains all that happened before the call.
func (w *spaceTrace) snapshot() *snapshot.Snapshot {
	w.t.Helper()
	after := monotonic()
	return w.awaitSnapshot("a snapshot", func(s *snapshot.Snapshot) bool { return s.At > after })
}

// awaitSnapshot returns the first one that is accepted.
func (w *spaceTrace) awaitSnapshot(what string, accept func(*snapshot.Snapshot) bool) *snapshot.Snapshot {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), waitLimit)
	defer cancel()
	s := awaitSnapshot(ctx, w.shown, accept)
	if s == nil {
		w.t.Fatalf("waited in vain: %s", what)
	}
	return s
}

// awaitRow returns the row of the space as soon as it is accepted.
func (w *spaceTrace) awaitRow(what string, id portspace.ID, accept func(*snapshot.PortSpace) bool) *snapshot.PortSpace {
	w.t.Helper()
	for deadline := time.Now().Add(waitLimit); ; {
		row := rowOf(w.snapshot(), id)
		if row != nil && accept(row) {
			return row
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain: %s: %s", what, spaceText(row))
		}
	}
}

// spacesOf returns the rows of a namespace.
func spacesOf(s *snapshot.Snapshot, n *lab.Netns) []snapshot.PortSpace {
	return slices.DeleteFunc(slices.Clone(s.PortSpaces), func(p snapshot.PortSpace) bool { return p.Netns != n.Inode() })
}

// rowOf returns the row of a connect space that has no socket port range and no device of its
// own; nil if there is none.
func rowOf(s *snapshot.Snapshot, id portspace.ID) *snapshot.PortSpace {
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		if p.Kind == snapshot.ConnectSpace && p.Netns == id.Netns && p.Local == id.Local && p.Remote == id.Remote && p.Device == 0 && !p.PerSocketRange {
			return p
		}
	}
	return nil
}

// headroom returns the number of free ports of a space, those aside that could be reused.
func headroom(space *portspace.Space) int {
	o := space.All().Occupancy(monotonic())
	return o.Headroom()
}

// holders returns how many ports of a row each process holds, by pid.
func holders(p *snapshot.PortSpace) map[int]int {
	ports := map[int]int{}
	for i := range p.Holders {
		ports[int(p.Holders[i].Proc.ID.PID)] += p.Holders[i].Ports()
	}
	return ports
}

func spaceText(p *snapshot.PortSpace) string {
	if p == nil {
		return "no such space"
	}
	return fmt.Sprintf("%s %s > %s: %d of %d in use (%d live, %d TIME_WAIT, %d bound, %d reusable), %s",
		p.Kind, p.Local, p.Remote, p.InUse(), p.Capacity, p.Live, p.TimeWait, p.Bound, p.Reusable, phrase.Forecast(&p.Forecast))
}
