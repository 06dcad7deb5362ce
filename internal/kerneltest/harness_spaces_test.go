package kerneltest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// snapshotsEvery is how often a spaceWatch gets a new one.
const snapshotsEvery = 100 * time.Millisecond

// looksEvery is how often all sockets are looked at: on a machine with many namespaces, all
// of them, a hundredth of a processor makes a test wait for minutes.
const looksEvery = 500 * time.Millisecond

// spaceWatch runs the pipeline in the background and can be asked, while it runs, what it
// knows of port spaces: by its snapshots, and by a table that is fed the same stream and
// can be asked for spaces that nobody has used yet, too.
type spaceWatch struct {
	t      *testing.T
	source *live.Source

	mu     sync.Mutex
	table  *portspace.Table
	looks  map[uint32]int // that were taken of a namespace
	asked  map[uint32]int // how often its configuration was
	events []event.Event  // of TCP and UDP sockets in the namespaces that are followed
	nets   map[uint32]bool
	snap   *snapshot.Snapshot
	err    error
}

// watchSpaces attaches, and keeps the events of some namespaces.
func watchSpaces(t *testing.T, nets ...*lab.Netns) *spaceWatch {
	t.Helper()
	needKernel(t)
	source, err := live.Open(live.Options{
		Probe: probe.Options{Hooks: hooks(t), KeepTypes: true}, LookEvery: looksEvery,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &spaceWatch{
		t: t, source: source, table: portspace.New(portspace.Limit),
		looks: map[uint32]int{}, asked: map[uint32]int{}, nets: map[uint32]bool{},
	}
	for _, n := range nets {
		w.nets[n.Inode()] = true
	}
	ctx, cancel := context.WithCancel(t.Context())
	shown := make(chan *snapshot.Snapshot, 1)
	var running sync.WaitGroup
	running.Go(func() { w.run(ctx, shown) })
	running.Go(func() {
		for s := range shown {
			w.mu.Lock()
			w.snap = s
			w.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		source.Close()
		if w.err != nil {
			t.Error(w.err)
		}
	})
	return w
}

func (w *spaceWatch) run(ctx context.Context, shown chan *snapshot.Snapshot) {
	defer close(shown)
	_, err := pipeline.Run(ctx, w.source, pipeline.Options{Tee: w.take, AfterBatch: w.advance, Snapshots: shown, Every: snapshotsEvery})
	w.mu.Lock()
	w.err = err
	w.mu.Unlock()
}

func (w *spaceWatch) take(e *event.Event, _ *event.World) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.table.Add(e)
	switch fact := e.Fact.(type) {
	case *event.Census:
		w.looks[fact.Netns]++
	case *event.Netns:
		w.asked[fact.Inode]++
	}
	if w.nets[e.Netns] {
		w.events = append(w.events, *e)
	}
	return nil
}

func (w *spaceWatch) advance(now event.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.table.Advance(now)
	return nil
}

// look waits until all sockets of the namespaces were looked at after the call, and their
// configuration was read: the first look that comes may have begun before.
func (w *spaceWatch) look(nets ...*lab.Netns) {
	w.t.Helper()
	counts := func() (list []int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, n := range nets {
			list = append(list, w.looks[n.Inode()], w.asked[n.Inode()])
		}
		return list
	}
	before := counts()
	eventually(w.t, "two looks at all sockets", func() bool {
		after := counts()
		for i := range after {
			if after[i] < before[i]+2 {
				return false
			}
		}
		return true
	})
}

// ask calls f with the table as it is.
func (w *spaceWatch) ask(f func(*portspace.Table)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.table)
}

// seen is what came of a kind by now.
func (w *spaceWatch) seen(kind event.Kind, n *lab.Netns) []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.events), func(e event.Event) bool { return e.Kind != kind || e.Netns != n.Inode() })
}

// snapshot is the next one that holds all that has happened before the call.
func (w *spaceWatch) snapshot() (s *snapshot.Snapshot) {
	w.t.Helper()
	after := monotonic()
	eventually(w.t, "a snapshot", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		s = w.snap
		if w.err != nil {
			w.t.Fatal(w.err)
		}
		return s != nil && s.At > after
	})
	return s
}

// spacesOf are the rows of a namespace.
func spacesOf(s *snapshot.Snapshot, n *lab.Netns) []snapshot.PortSpace {
	return slices.DeleteFunc(slices.Clone(s.PortSpaces), func(p snapshot.PortSpace) bool { return p.Netns != n.Inode() })
}

// rowOf is that of a connect space without a range or a device of its own; nil: there is none.
func rowOf(s *snapshot.Snapshot, id portspace.ID) *snapshot.PortSpace {
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		if p.Kind == snapshot.ConnectSpace && p.Netns == id.Netns && p.Local == id.Local && p.Remote == id.Remote && p.Device == 0 && !p.OwnRange {
			return p
		}
	}
	return nil
}

// holders are the processes of a row and their ports, by pid.
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
		p.Kind, p.Local, p.Remote, p.InUse(), p.Capacity, p.Live, p.TimeWait, p.Bound, p.Reusable, p.Forecast.String())
}
