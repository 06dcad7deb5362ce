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

// measure is one thing that is told and can be wrong. docs/accuracy.md has a section for
// each.
type measure struct {
	name   string
	signal string      // whose mode it has
	fields event.Field // marked where they are inferred
	floor  float64     // of precision and recall where it is inferred
}

// always is the signal of what is inferred everywhere.
const always = ""

var measures = []measure{
	{name: "sport", signal: "connect", fields: event.FieldSport, floor: 0.99},
	{name: "connect_errno", signal: "connect", fields: event.FieldErrno | event.FieldReason, floor: 0.99},
	{name: "reused", signal: "connect"},
	{name: "connect_errors", signal: "connect_errors"},
	{name: "syn_sent", signal: "syn_sent"},
	{name: "bind", signal: "bind", floor: 0.99},
	{name: "bind_errno", signal: "bind", fields: event.FieldErrno | event.FieldReason, floor: 0.92},
	{name: "listen_errno", signal: always, floor: 0.99},
	{name: "time_wait", signal: "time_wait", fields: event.FieldTimeWait, floor: 0.95},
	{name: "owner", signal: "states"},
	{name: "accepted_owner", signal: always, floor: 0.99},
	{name: "process", signal: "states"},
	{name: "direction", signal: "states", fields: event.FieldDirection},
	{name: "closed_by", signal: "states", fields: event.FieldClosedBy},
	{name: "cookie", signal: "cookie"},
}

// inferredFields are the fields of each measure.
var inferredFields = func() map[string]event.Field {
	fields := map[string]event.Field{}
	for _, m := range measures {
		fields[m.name] = m.fields
	}
	return fields
}()

// TestAccuracy holds everything that is told of some hundred sockets against what the
// programs that made them say, and against the kernel's own tables. What check calls
// exact has no error, and nothing in it is marked as inferred.
func TestAccuracy(t *testing.T) {
	r := runLoad(t)
	for range tries - 1 {
		if r.skipped() == 0 {
			break
		}
		t.Logf("the kernel skipped %d runs: once more", r.skipped())
		if other := runLoad(t); other.skipped() < r.skipped() {
			r = other
		}
	}
	for _, m := range measures {
		t.Run(m.name, func(t *testing.T) { r.score(t, m) })
	}
}

// loadRun is what was told of a load, and what was so.
type loadRun struct {
	trace      *trace
	told, want facts
	marked     map[string]int // how many, of a measure, are marked as inferred
}

// skipped are the runs that the kernel skipped, and what was lost and counted for want of
// memory. With none the figures are those of the rules, and not of what kept the programs
// from running.
func (r *loadRun) skipped() uint64 { return r.trace.books.health.Missed + r.trace.books.health.Lost }

func runLoad(t *testing.T) *loadRun {
	client, server := pair(t)
	small := newNetns(t)
	tr := begin(t, live.Options{}, client, server, small)
	l := &load{t: t, client: client, server: server, small: small, want: facts{}}
	l.run()
	tr.end(nil)

	r := &loadRun{trace: tr, told: facts{}, want: l.want, marked: map[string]int{}}
	for i := range tr.events {
		e := &tr.events[i]
		if e.Kind == event.Folded {
			t.Errorf("details were lost: %+v", e)
		}
		if l.isOurs(e) {
			r.told.tell(tr, e, r.marked)
		}
	}
	// The kernel has one bucket for the same two ends, however often there was one.
	r.told["time_wait"] = distinct(r.told["time_wait"])
	return r
}

// mode is what check says of it. A reused port is seen by fexit alone.
func (tr *trace) mode(m measure) event.Mode {
	switch {
	case m.signal == always:
		return event.Inferred
	case m.name == "reused" && !strings.HasPrefix(tr.signal("connect").Hook, "fexit/"):
		return event.Off
	}
	return tr.signal(m.signal).Mode
}

// score compares what was told with what was so, and prints it for docs/accuracy.md.
func (r *loadRun) score(t *testing.T, m measure) {
	told, want := r.told[m.name], r.want[m.name]
	if len(want) == 0 {
		t.Fatal("there was nothing to tell")
	}
	mode := r.trace.mode(m)
	wrong, missed := difference(told, want)
	f := figures.Accuracy{
		Kernel: kernelRelease(t), Arch: runtime.GOARCH, Hooks: hooksName(), Signal: m.name, Mode: string(mode),
		Right: len(told) - len(wrong), Wrong: len(wrong), Missed: len(missed), Skipped: int(r.skipped()),
	}
	if mode == event.Off {
		f.Missed = 0
		if len(told) > 0 {
			t.Errorf("it is off, but told were %q", told)
		}
	}
	t.Log(f)
	checkFigure(t, m, f, r.marked[m.name])
	if mode != event.Off && len(wrong)+len(missed) > 0 {
		t.Logf("wrong %q, missed %q", wrong, missed)
	}
}

// checkFigure holds a figure against what its mode promises. A run that the kernel skipped
// is one missed, or inferred, or what it should have ended is told of the next.
func checkFigure(t *testing.T, m measure, f figures.Accuracy, marked int) {
	t.Helper()
	f.Wrong, f.Missed = max(0, f.Wrong-f.Skipped), max(0, f.Missed-f.Skipped)
	switch event.Mode(f.Mode) {
	case event.Exact:
		if f.Wrong > 0 || f.Missed > 0 {
			t.Error("it is exact, but not right")
		}
		if marked > f.Skipped {
			t.Errorf("it is exact, but %d are marked as inferred", marked)
		}
	case event.Inferred:
		if f.Precision() < m.floor || f.Recall() < m.floor {
			t.Errorf("precision %.3f, recall %.3f: it was %.3f", f.Precision(), f.Recall(), m.floor)
		}
		if m.fields != 0 && marked == 0 {
			t.Error("it is inferred, but nothing says so")
		}
	}
}

// difference is what is in one list and not in the other, each as often as it is.
func difference(told, want []string) (wrong, missed []string) {
	count := map[string]int{}
	for _, s := range want {
		count[s]++
	}
	for _, s := range told {
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

func kernelRelease(t *testing.T) string {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(u.Release[:])
}

// hooksName is the mode in which the tests run.
func hooksName() string {
	if name := os.Getenv(hooksEnv); name != "" {
		return name
	}
	return "default"
}
