package kerneltest

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kerneltest/figures"
	"github.com/porttrace/porttrace/internal/live"
)

// measure is one thing that is reported and can be wrong. docs/accuracy.md has a section for
// each.
type measure struct {
	name   string
	bind   bool        // it is about a bind() or listen(), not about a connection
	signal string      // has the mode of the measure
	fields event.Field // are marked if they are inferred
	floor  float64     // of precision and recall, if it is inferred
}

// always is the signal of what is inferred on each kernel.
const always = ""

var measures = []measure{
	{name: "sport", signal: "connect", fields: event.FieldSport, floor: 0.99},
	{name: "connect_errno", signal: "connect", fields: event.FieldErrno | event.FieldReason, floor: 0.99},
	{name: "reused", signal: "connect"},
	{name: "connect_errors", signal: "connect_errors"},
	{name: "syn_sent", signal: "syn_sent"},
	{name: "bind", bind: true, signal: "bind", floor: 0.99},
	{name: "bind_errno", bind: true, signal: "bind", fields: event.FieldErrno | event.FieldReason, floor: 0.92},
	{name: "listen_errno", bind: true, signal: always, floor: 0.99},
	{name: "time_wait", signal: "time_wait", fields: event.FieldTimeWait, floor: 0.95},
	{name: "owner", signal: "states"},
	{name: "accepted_owner", signal: always, floor: 0.99},
	{name: "process", signal: "states"},
	{name: "executable", signal: always, floor: 0.8}, // read from /proc, if the program still lives then
	{name: "direction", signal: "states", fields: event.FieldDirection},
	{name: "closed_by", signal: "states", fields: event.FieldClosedBy},
	{name: "cookie", signal: "cookie"},
}

// inferredFields maps the name of a measure to its fields.
var inferredFields = func() map[string]event.Field {
	fields := map[string]event.Field{}
	for _, m := range measures {
		fields[m.name] = m.fields
	}
	return fields
}()

// TestAccuracy compares everything that is reported of some hundred sockets with what the
// programs that made them say, and with the kernel's own tables. What check calls exact has no
// error, and nothing in it is marked as inferred.
func TestAccuracy(t *testing.T) {
	r, wrong := bestLoad(t)
	for _, text := range wrong {
		t.Error(text)
	}
	allowed := allowance{left: int(r.skipped()), used: map[bool]int{}}
	for _, m := range measures {
		t.Run(m.name, func(t *testing.T) { r.score(t, m, &allowed) })
	}
}

// fewSkipped is how many skipped runs need no repeat if nothing is published: as many connections of
// thousands may be wrong then.
const fewSkipped = 10

// bestLoad makes the load again, some times at most, if the kernel has skipped runs, and returns that
// with the fewest, and what is wrong with it.
func bestLoad(t *testing.T) (best *loadRun, wrong []string) {
	enough := uint64(0)
	if testing.Short() {
		enough = fewSkipped
	}
	for number := 1; number <= maxAttempts; number++ {
		a := &attempt{T: t, name: t.Name()}
		var r *loadRun
		a.run(func(a *attempt) { r = runLoad(a) })
		if r == nil {
			t.Fatal(a.errors())
		}
		if best == nil || r.skipped() < best.skipped() {
			best, wrong = r, a.errors()
		}
		if best.skipped() <= enough {
			break
		}
		logRetry(t, number, r.skipped(), append([]string{"accuracy is measured again"}, a.errors()...))
	}
	return best, wrong
}

// allowance is how many connections and binds may be wrong, in all measures together: as many
// as the kernel skipped runs. A connection whose open is missing is missing in several measures,
// as in sport and owner, and is counted once.
type allowance struct {
	left int
	used map[bool]int // by measure.bind
}

// take returns how many of the errors of a measure are allowed.
func (a *allowance) take(m measure, errors int) int {
	errors = min(errors, a.used[m.bind]+a.left)
	a.left -= max(0, errors-a.used[m.bind])
	a.used[m.bind] = max(a.used[m.bind], errors)
	return errors
}

// The same allowance is for all measures.
func TestAllowance(t *testing.T) {
	a := allowance{left: 2, used: map[bool]int{}}
	connect, bind := measure{}, measure{bind: true}
	for i, c := range []struct {
		of           measure
		errors, want int
	}{{connect, 1, 1}, {connect, 1, 1}, {bind, 3, 1}, {connect, 2, 1}, {bind, 1, 1}} {
		if got := a.take(c.of, c.errors); got != c.want {
			t.Errorf("step %d: %d of %d errors are allowed, want %d", i, got, c.errors, c.want)
		}
	}
}

// loadRun is what was reported of a load, and what was true.
type loadRun struct {
	trace          *trace
	reported, want facts
	marked         map[string]int // how many of a measure are marked as inferred
}

// skipped returns the runs that are missing, and the events that were lost for lack of
// memory. If there are none, the figures measure the rules and not what kept the programs from
// running.
func (r *loadRun) skipped() uint64 { return r.trace.missed() + r.trace.ledger.health.Lost }

func runLoad(t testing.TB) *loadRun {
	client, server := pair(t)
	small := newNetns(t)
	l := newLoad(t, client, server)
	l.small, l.nets = small, append(l.nets, small)
	return l.traced(l.run)
}

// traced makes a load under a trace, and returns what was reported of it.
func (l *load) traced(run func()) *loadRun {
	tr := begin(l.t, live.Options{}, l.nets...)
	l.trace = tr
	run()
	tr.end(nil)

	r := &loadRun{trace: tr, reported: facts{}, want: l.want, marked: map[string]int{}}
	for i := range tr.events {
		e := &tr.events[i]
		if e.Kind == event.Folded {
			l.t.Errorf("details were lost: %+v", e)
		}
		if l.isOurs(e) {
			r.reported.addEvent(tr, e, r.marked)
		}
	}
	// The kernel has one bucket for the same two ends, however often there was one.
	r.reported["time_wait"] = distinct(r.reported["time_wait"])
	return r
}

// mode returns what check says of a measure. Only fexit sees that a port is reused.
func (tr *trace) mode(m measure) event.Mode {
	switch {
	case m.signal == always:
		return event.Inferred
	case m.name == "reused" && !strings.HasPrefix(tr.signal("connect").Hook, "fexit/"):
		return event.Off
	}
	return tr.signal(m.signal).Mode
}

// score compares what was reported with what was true, and prints it for docs/accuracy.md.
func (r *loadRun) score(t *testing.T, m measure, allowed *allowance) {
	reported, want := r.reported[m.name], r.want[m.name]
	if len(want) == 0 {
		t.Fatal("there was nothing to report")
	}
	mode := r.trace.mode(m)
	wrong, missed := difference(reported, want)
	f := figures.Accuracy{
		Kernel: kernelRelease(t), Arch: runtime.GOARCH, Hooks: hooksName(), Signal: m.name, Mode: string(mode),
		Right: len(reported) - len(wrong), Wrong: len(wrong), Missed: len(missed), Skipped: int(r.skipped()),
	}
	if mode == event.Off {
		f.Missed = 0
		if len(reported) > 0 {
			t.Errorf("it is off, but reported were %q", reported)
		}
	}
	t.Log(f)
	switch mode {
	case event.Exact:
		checkExact(t, m, f, r.marked[m.name], allowed)
	case event.Inferred:
		checkInferred(t, m, f, r.marked[m.name], allowed)
	}
	if mode != event.Off && len(wrong)+len(missed) > 0 {
		t.Logf("wrong %q, missed %q", wrong, missed)
	}
}

// checkExact allows errors for runs that the kernel skipped: what such a run should have
// reported is missing or inferred, or what it should have ended is reported of the next socket.
func checkExact(t *testing.T, m measure, f figures.Accuracy, marked int, allowed *allowance) {
	t.Helper()
	errors := max(f.Wrong, f.Missed, marked)
	if got := allowed.take(m, errors); got < errors {
		t.Errorf("it is exact, but %d are wrong, %d missed, %d marked as inferred; %d are allowed, as %d runs were skipped",
			f.Wrong, f.Missed, marked, got, f.Skipped)
	}
}

// checkInferred allows errors in the same way, if there are more than inference may make.
func checkInferred(t *testing.T, m measure, f figures.Accuracy, marked int, allowed *allowance) {
	t.Helper()
	below := func() bool { return f.Precision() < m.floor || f.Recall() < m.floor }
	for errors := 1; below() && max(f.Wrong, f.Missed) > 0 && allowed.take(m, errors) == errors; errors++ {
		f.Wrong, f.Missed = max(0, f.Wrong-1), max(0, f.Missed-1)
	}
	if below() {
		t.Errorf("precision %.3f, recall %.3f: it was %.3f", f.Precision(), f.Recall(), m.floor)
	}
	if m.fields != 0 && marked == 0 {
		t.Error("it is inferred, but no event is marked so")
	}
}

// difference returns what is in one list and not in the other, as often as it is.
func difference(reported, want []string) (wrong, missed []string) {
	count := map[string]int{}
	for _, s := range want {
		count[s]++
	}
	for _, s := range reported {
		if count[s]--; count[s] < 0 {
			wrong = append(wrong, s)
		}
	}
	for s, n := range count {
		for range n {
			missed = append(missed, s)
		}
	}
	slices.Sort(wrong)
	slices.Sort(missed)
	return wrong, missed
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func kernelRelease(t testing.TB) string {
	t.Helper()
	var u unix.Utsname
	noError(t, unix.Uname(&u))
	return unix.ByteSliceToString(u.Release[:])
}

// hooksName returns the mode in which the tests run.
func hooksName() string {
	if name := os.Getenv(hooksEnv); name != "" {
		return name
	}
	return "default"
}
