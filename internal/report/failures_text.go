package report

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// failures lists them by program: a shell loop whose every curl(1) fails is one row. It returns the
// rows, too.
func (w *writer) failures() (table, []snapshot.ProgramFailure) {
	t := table{
		title: "Failures",
		head:  []string{"count", "per s", "command", "call", "error", "reason", "address", "first", "last", "netns"},
		left:  "command call error reason address netns", optional: []string{"per s", "netns"},
		common: "netns", width: w.width(), drop: []string{"first", "per s", "netns"}, flex: []string{"command", "address"},
	}
	merged := snapshot.FailuresByProgram(w.s)
	listed := merged[:min(len(merged), w.rows())]
	for i := range listed {
		f := &listed[i]
		t.add(phrase.Grouped(f.Count), oneDecimal(f.Rate), phrase.Programs(&f.Program), f.Op.String(), phrase.Errno(&f.Failure), reason(&f.Failure),
			phrase.Target(&f.Failure), f.First.UTC().Format(time.TimeOnly), f.Last.UTC().Format(time.TimeOnly),
			w.netns(f.NetnsName, f.Netns, f.NetnsGone))
	}
	if other := w.s.OtherFailures; other != nil {
		t.add(phrase.Grouped(other.Count), oneDecimal(other.Rate), "all others", "", "", "", "", "", other.Last.UTC().Format(time.TimeOnly))
	}
	t.more = w.more(len(merged))
	return t, listed
}

// failed writes failures, and what is known of them.
func (w *writer) failed() {
	t, listed := w.failures()
	t.write(&w.out)
	for _, line := range inTheWay(listed) {
		writeWide(&w.out, "  ", line)
	}
	for _, line := range w.sweeps() {
		fmt.Fprintf(&w.out, "  %s\n", line)
	}
}

// inTheWay says which sockets had what the calls wanted.
func inTheWay(failures []snapshot.ProgramFailure) (lines []string) {
	for i := range failures {
		f := &failures[i]
		if h := f.HeldBy; h != nil {
			lines = append(lines, f.Target.String()+phrase.ProtoSuffix(f.Proto)+" is held by "+phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn))
		}
	}
	return lines
}

// sweeps says which programs fail towards many destinations.
func (w *writer) sweeps() (lines []string) {
	for i := range w.s.Sweeps[:min(len(w.s.Sweeps), w.rows())] {
		lines = append(lines, phrase.Sweep(&w.s.Sweeps[i], w.s.Wall))
	}
	return lines
}

// reason returns the name of the reason, marked if it was inferred.
func reason(f *snapshot.Failure) string {
	return phrase.Marked(f.Inferred, event.FieldReason, f.Reason.String())
}
