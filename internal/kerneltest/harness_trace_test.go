package kerneltest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// trace is a pipeline that runs in the background over the events of some namespaces.
// What it collected may be read after end.
type trace struct {
	t       testing.TB
	nets    []*lab.Netns
	source  *live.Source
	signals event.Signals
	cancel  context.CancelFunc
	close   func() // detaches, once
	done    chan struct{}
	err     error

	events []event.Event // of sockets in the namespaces, in the order of the stream
	procs  map[event.ProcID]*event.Process
	books  books
	snap   *snapshot.Snapshot
}

// begin attaches. Like the tool, it pushes the targets down into the kernel and also
// filters by them.
func begin(t testing.TB, opts live.Options, nets ...*lab.Netns) *trace {
	t.Helper()
	needKernel(t)
	if opts.Probe.Hooks == nil {
		opts.Probe.Hooks = hooks(t)
	}
	opts.Probe.KeepTypes = true
	spec := filter.Spec{Children: opts.Probe.Children}
	for _, n := range nets {
		spec.Netns = append(spec.Netns, n.Inode())
	}
	for _, id := range opts.Probe.Targets {
		spec.PIDs = append(spec.PIDs, id.PID)
	}
	only, err := filter.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	source, err := live.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trace{
		t: t, nets: nets, source: source, signals: source.Signals(), close: sync.OnceFunc(source.Close),
		done: make(chan struct{}), procs: map[event.ProcID]*event.Process{},
	}
	var ctx context.Context
	ctx, tr.cancel = context.WithCancel(t.Context())
	go func() {
		defer close(tr.done)
		tr.snap, tr.err = pipeline.Run(ctx, source, pipeline.Options{Filter: only, Tee: tr.take})
	}()
	t.Cleanup(tr.stop)
	if t, is := t.(*try); is {
		t.attempt.traces = append(t.attempt.traces, tr)
	}
	return tr
}

func (tr *trace) take(e *event.Event, _ *event.World) error {
	tr.books.enter(e)
	if p, ok := e.Fact.(*event.Process); ok {
		tr.procs[p.ID] = p
	}
	ours := func(n *lab.Netns) bool { return n.Inode() == e.Netns }
	if e.Kind.AboutSocket() && slices.ContainsFunc(tr.nets, ours) {
		tr.events = append(tr.events, *e)
	}
	return nil
}

func (tr *trace) stop() {
	tr.cancel()
	<-tr.done
	tr.close()
}

// end waits until nothing moves any more in the namespaces, stops, and checks what
// must be true of any trace. Held are the outgoing sockets that still are open, by pid.
func (tr *trace) end(held map[int]int) {
	tr.t.Helper()
	open := 0
	for _, n := range held {
		open += n
	}
	eventually(tr.t, fmt.Sprintf("%d sockets left open", open), func() bool { return tr.openSockets() == open })
	tr.cancel()
	<-tr.done
	if tr.err != nil {
		tr.t.Fatal(tr.err)
	}
	tr.balance()
	go tr.close() // most of it is waiting, on 6.12 for a second
	tr.checkTotals(held)
	tr.checkCookies()
}

// checkCookies: where sockets have cookies, one has it too whose beginning the kernel
// skipped. Else its entry would be taken for that of the next socket at its address.
func (tr *trace) checkCookies() {
	tr.t.Helper()
	if !tr.exact("cookie") {
		return
	}
	for i := range tr.events {
		if e := &tr.events[i]; e.Kind == event.Open && e.Cookie == 0 {
			tr.t.Errorf("no cookie: %+v", *e)
			return
		}
	}
}

// openSockets counts what still has an event to come. A socket in FIN_WAIT2 that no
// process has open is a bucket: its close has been.
func (tr *trace) openSockets() int {
	tr.t.Helper()
	count := 0
	for _, n := range tr.nets {
		for _, s := range sockets(tr.t, n) {
			switch {
			case s.State == lab.Listen, s.State == lab.TimeWait, s.State == lab.FinWait2 && s.Inode == 0:
			default:
				count++
			}
		}
	}
	return count
}

// balanceKinds holds the always-on counters of each kind against themselves. They move
// while they are read, so that too may take more than one look.
func (tr *trace) balanceKinds() {
	tr.t.Helper()
	var off string
	for range 20 {
		kinds, err := tr.source.Counts()
		if err != nil {
			tr.t.Error(err)
			return
		}
		off = ""
		for kind, c := range kinds {
			if c.Seen != c.Delivered+c.Folded+c.Filtered+c.Lost {
				off = fmt.Sprintf("of kind %d the programs saw %d, but %+v", kind, c.Seen, c)
			}
		}
		if off == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	tr.t.Error(off)
}

// balance compares the kernel's books with what came. The rest of the host goes on
// while they are read, so it may take more than one look.
func (tr *trace) balance() {
	tr.t.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	had := len(tr.events)
	for deadline := time.Now().Add(2 * time.Second); tr.books.difference() != "" && time.Now().Before(deadline); {
		batch, _ := tr.source.Read(ended)
		for i := range batch.Events {
			_ = tr.take(&batch.Events[i], nil)
		}
	}
	if text := tr.books.difference(); text != "" {
		tr.t.Error(text)
	}
	tr.balanceKinds()
	if late := tr.events[had:]; len(late) > 0 {
		tr.t.Errorf("%d events came after the end, the first is %+v", len(late), late[0])
	}
	if h := tr.books.health; h.Lost > h.Missed+givenUp {
		tr.t.Errorf("lost %d events, though the kernel skipped only %d runs", h.Lost, h.Missed)
	} else if h.Missed > 0 {
		tr.t.Logf("the kernel skipped %d runs of programs that a softirq interrupted; lost are %d events", h.Missed, h.Lost)
	}
}

// givenUp is how many events may be lost besides: since 6.15 a program gives up a map's lock
// whose holder stands still (kernel/bpf/rqspinlock.c), as a virtual processor that others
// need can. Seen once, on a machine with a load of 8.
const givenUp = 1

// near reports whether got is want. What may be missing is what the kernel says it
// skipped: nothing, unless the processor stood still in the midst of a program, as an
// emulated one does and one of a busy host can.
func (tr *trace) near(got, want uint64) bool {
	return got <= want && got+tr.books.health.Missed >= want
}

// subset reports the same of sorted lists.
func (tr *trace) subset(got, want []string) bool {
	for _, text := range got {
		if _, found := slices.BinarySearch(want, text); !found {
			return false
		}
	}
	return tr.near(uint64(len(got)), uint64(len(want)))
}

// expect holds each of the events against what it should be.
func (tr *trace) expect(t testing.TB, what string, events []event.Event, so func(*event.Event) bool) {
	t.Helper()
	var wrong []string
	for i := range events {
		if e := &events[i]; !so(e) {
			wrong = append(wrong, fmt.Sprintf("not %s: %+v", what, *e))
		}
	}
	tr.forgive(t, wrong)
}

// forgive takes as much to be wrong as the kernel says it skipped, one thing a run, and
// prints it.
func (tr *trace) forgive(t testing.TB, wrong []string) {
	t.Helper()
	say := t.Error
	if uint64(len(wrong)) <= tr.books.health.Missed {
		say = t.Log
	}
	for _, text := range wrong[:min(len(wrong), 10)] {
		say(text)
	}
}

func (tr *trace) signal(name string) event.Signal {
	for _, s := range tr.signals {
		if s.Name == name {
			return s
		}
	}
	tr.t.Fatalf("no signal is named %s", name)
	return event.Signal{}
}

// exact reports whether what the signal says was seen and not inferred.
func (tr *trace) exact(name string) bool { return tr.signal(name).Mode == event.Exact }

// seesBinds is false where the hooks that the tests may use see none.
func (tr *trace) seesBinds() bool {
	if tr.signal("bind").Mode != event.Off {
		return true
	}
	if hooks(tr.t) == nil {
		tr.t.Errorf("bind() is not seen: %s", tr.signal("bind").Reason)
	}
	return false
}

// of are the events of a kind and a process, folded ones included.
func (tr *trace) of(kind event.Kind, pid int) []event.Event {
	var found []event.Event
	for _, e := range tr.events {
		if e.Kind == kind && e.Proc.PID == uint32(pid) {
			found = append(found, e)
		}
	}
	return found
}

// accepted are the closes of connections that were accepted in the namespace.
func (tr *trace) accepted(n *lab.Netns) []event.Event {
	var found []event.Event
	for _, e := range tr.events {
		if e.Kind == event.Close && e.Direction == event.In && e.Netns == n.Inode() {
			found = append(found, e)
		}
	}
	return found
}

// row is the snapshot's row of a process.
func (tr *trace) row(pid int) *snapshot.Process {
	for i := range tr.snap.Processes {
		if p := &tr.snap.Processes[i]; p.Info.ID.PID == uint32(pid) {
			return p
		}
	}
	return &snapshot.Process{}
}
