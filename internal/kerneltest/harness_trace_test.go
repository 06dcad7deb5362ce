package kerneltest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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

// trace runs the pipeline in the background over the events of some namespaces. What it
// collects may be read after end or stop.
type trace struct {
	t       testing.TB
	nets    []*lab.Netns
	source  *live.Source
	signals event.Signals
	detach  func() // from the kernel, once
	cancel  context.CancelFunc
	done    chan struct{} // closed when the pipeline has ended
	err     error

	events []event.Event // of sockets in the namespaces, in the order of the stream
	procs  map[event.ProcID]*event.Process
	ledger ledger
	begun  uint64             // unseen at the beginning, see missed
	unseen uint64             // state changes since then that no program sees
	snap   *snapshot.Snapshot // the last
}

// begin attaches and starts the pipeline. As in the tool, the kernel selects the targets, and
// the filter the rest.
func begin(t testing.TB, opts live.Options, nets ...*lab.Netns) *trace {
	t.Helper()
	only, err := filter.Parse(filter.Request{Netns: inodes(nets...)})
	noError(t, err)
	tr := newTrace(t, opts, nets)
	tr.start(pipeline.Options{Filter: only, Tee: tr.add})
	if a, is := t.(*attempt); is {
		a.traces = append(a.traces, tr)
	}
	return tr
}

// inodes returns the namespaces as a filter has them.
func inodes(nets ...*lab.Netns) (list []string) {
	for _, n := range nets {
		list = append(list, strconv.FormatUint(uint64(n.Inode()), 10))
	}
	return list
}

// newTrace attaches. The pipeline must be started next.
func newTrace(t testing.TB, opts live.Options, nets []*lab.Netns) *trace {
	t.Helper()
	source := attach(t, opts)
	return &trace{
		t: t, nets: nets, source: source, signals: source.Signals(), detach: sync.OnceFunc(source.Close),
		done: make(chan struct{}), procs: map[event.ProcID]*event.Process{}, begun: unseen(t),
	}
}

// start runs the pipeline until stop is called, or the test ends.
func (tr *trace) start(opts pipeline.Options) {
	ctx, cancel := context.WithCancel(tr.t.Context())
	tr.cancel = cancel
	go func() {
		defer close(tr.done)
		tr.snap, tr.err = aggregate(ctx, tr.source, opts)
	}()
	tr.t.Cleanup(func() {
		tr.stop()
		tr.detach()
	})
}

// stop ends the pipeline and waits for it.
func (tr *trace) stop() {
	tr.cancel()
	<-tr.done
	tr.unseen = unseen(tr.t) - tr.begun
}

// missed returns how many runs of the programs are missing: that the kernel skipped, and that no
// other program made up for; and those that do not happen for the agent of the host (package hostagent).
func (tr *trace) missed() uint64 { return tr.ledger.health.Missed + tr.unseen }

// add is the Tee.
func (tr *trace) add(e *event.Event, _ *event.World) error {
	tr.ledger.add(e)
	if p, ok := e.Fact.(*event.Process); ok {
		tr.procs[p.ID] = p
	}
	ours := func(n *lab.Netns) bool { return n.Inode() == e.Netns }
	if e.Kind.AboutSocket() && slices.ContainsFunc(tr.nets, ours) {
		tr.events = append(tr.events, *e)
	}
	return nil
}

// end waits until the namespaces have no other socket left than those that are held, stops,
// and checks what must be true of any trace. held counts outgoing sockets by pid.
func (tr *trace) end(held map[int]int) {
	tr.t.Helper()
	open := 0
	for _, n := range held {
		open += n
	}
	eventually(tr.t, fmt.Sprintf("%d sockets left open", open), func() bool { return tr.openSockets() == open })
	tr.stop()
	if tr.err != nil {
		tr.t.Fatal(tr.err)
	}
	tr.checkLedger()
	go tr.detach() // most of it is waiting, on 6.12 for a second
	tr.checkTotals(held)
	tr.checkCookies()
}

// checkCookies checks that each open has a cookie, if sockets have them: without it the entry
// of a socket would be taken for that of the next socket at the same address.
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

// openSockets counts the sockets whose close is still to come. A socket in FIN_WAIT2 that no
// process has open is a bucket, and is closed.
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

// checkLedger compares the kernel's counters with what came. The rest of the host goes on
// while they are read, so they may agree only at a later reading.
func (tr *trace) checkLedger() {
	tr.t.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	had := len(tr.events)
	for deadline := time.Now().Add(2 * time.Second); tr.ledger.difference() != "" && time.Now().Before(deadline); {
		batch, _ := tr.source.Read(ended)
		for i := range batch.Events {
			_ = tr.add(&batch.Events[i], nil)
		}
	}
	if text := tr.ledger.difference(); text != "" {
		tr.t.Error(text)
	}
	tr.checkKinds()
	if late := tr.events[had:]; len(late) > 0 {
		tr.t.Errorf("%d events came after the end, the first is %+v", len(late), late[0])
	}
	if lost := tr.ledger.health.Lost; lost > tr.missed()+givenUp {
		tr.t.Errorf("lost %d events, though only %d runs are missing", lost, tr.missed())
	} else if tr.missed() > 0 {
		tr.t.Logf("%d runs of programs are missing, %d of them for the agent of the host; lost are %d events", tr.missed(), tr.unseen, lost)
	}
}

// checkKinds compares the always-on counters of each kind with each other. They change while
// they are read, so several readings may be needed.
func (tr *trace) checkKinds() {
	tr.t.Helper()
	var wrong string
	for range 20 {
		kinds, err := tr.source.Counts()
		if err != nil {
			tr.t.Error(err)
			return
		}
		wrong = ""
		for kind, c := range kinds {
			if c.Seen != c.Delivered+c.Limited+c.Folded+c.Filtered+c.Lost {
				wrong = fmt.Sprintf("of kind %d the programs saw %d, but %+v", kind, c.Seen, c)
			}
		}
		if wrong == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	tr.t.Error(wrong)
}

// givenUp is how many more events may be lost: since 6.15 a program gives up waiting for a
// map's lock if its holder does not run (kernel/bpf/rqspinlock.c), which happens to virtual
// processors. Seen once, on a machine with a load of 8.
const givenUp = 1

// near reports whether got is want, or less by at most the runs that are missing: none, unless
// the processor stopped in the middle of a program, see retry.
func (tr *trace) near(got, want uint64) bool {
	return got <= want && got+tr.missed() >= want
}

// subset reports the same for the lengths of two sorted lists, and that want contains got.
func (tr *trace) subset(got, want []string) bool {
	for _, text := range got {
		if _, found := slices.BinarySearch(want, text); !found {
			return false
		}
	}
	return tr.near(uint64(len(got)), uint64(len(want)))
}

// expect checks a condition of each event.
func (tr *trace) expect(t testing.TB, what string, events []event.Event, holds func(*event.Event) bool) {
	t.Helper()
	var wrong []string
	for i := range events {
		if e := &events[i]; !holds(e) {
			wrong = append(wrong, fmt.Sprintf("not %s: %+v", what, *e))
		}
	}
	tr.allowSkipped(t, wrong)
}

// allowSkipped reports what is wrong: as errors, if it is more than runs are missing.
func (tr *trace) allowSkipped(t testing.TB, wrong []string) {
	t.Helper()
	report := t.Error
	if uint64(len(wrong)) <= tr.missed() {
		report = t.Log
	}
	for _, text := range wrong[:min(len(wrong), 10)] {
		report(text)
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

// exact reports whether the signal is observed and not inferred.
func (tr *trace) exact(name string) bool { return tr.signal(name).Mode == event.Exact }

// seesBinds returns false if the hooks that the tests may use see no bind().
func (tr *trace) seesBinds() bool {
	if tr.signal("bind").Mode != event.Off {
		return true
	}
	if allowedHooks == nil {
		tr.t.Errorf("bind() is not seen: %s", tr.signal("bind").Reason)
	}
	return false
}

// needBinds skips the test, and says why, if the hooks that the tests may use see no bind(). With
// all hooks allowed, a bind() that is not seen is a failure.
func (tr *trace) needBinds() {
	tr.t.Helper()
	needBinds(tr.t, tr.signals)
}

func needBinds(t testing.TB, signals event.Signals) {
	t.Helper()
	if !signals.Off(event.SignalBind) {
		return
	}
	i := slices.IndexFunc(signals, func(s event.Signal) bool { return s.Name == event.SignalBind })
	if allowedHooks == nil {
		t.Fatalf("bind() is not seen: %s", signals[i].Reason)
	}
	t.Skipf("the hooks %s see no bind(): %s", allowedHooks, signals[i].Reason)
}

// of returns the events of a kind and a process, folded ones included.
func (tr *trace) of(kind event.Kind, pid int) []event.Event {
	var found []event.Event
	for _, e := range tr.events {
		if e.Kind == kind && e.Proc.PID == uint32(pid) {
			found = append(found, e)
		}
	}
	return found
}

// accepted returns the closes of connections that were accepted in the namespace.
func (tr *trace) accepted(n *lab.Netns) []event.Event {
	var found []event.Event
	for _, e := range tr.events {
		if e.Kind == event.Close && e.Direction == event.In && e.Netns == n.Inode() {
			found = append(found, e)
		}
	}
	return found
}

// row returns the snapshot's row of a process.
func (tr *trace) row(pid int) *snapshot.Process {
	for i := range tr.snap.Processes {
		if p := &tr.snap.Processes[i]; p.Info.ID.PID == uint32(pid) {
			return p
		}
	}
	return &snapshot.Process{}
}
