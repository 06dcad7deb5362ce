package report

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// failures lists them by program: a shell loop whose every curl(1) fails is one row.
func (w *writer) failures() {
	t := table{
		head: []string{"count", "per s", "command", "call", "error", "reason", "address", "first", "last", "netns"},
		left: "command call error reason address netns", optional: []string{"per s", "netns"},
		common: "netns", width: w.width(), drop: []string{"first", "per s", "netns"}, flex: []string{"command", "address"},
	}
	merged := snapshot.FailuresByProgram(w.s)
	listed := merged[:min(len(merged), w.rows())]
	for i := range listed {
		f := &listed[i]
		t.add(phrase.Grouped(f.Count), oneDecimal(f.Rate), phrase.Programs(&f.Program), f.Op.String(), phrase.Errno(&f.Failure), reason(&f.Failure),
			f.Target.String()+phrase.ProtoSuffix(f.Proto), f.First.UTC().Format(time.TimeOnly), f.Last.UTC().Format(time.TimeOnly),
			w.netns(f.NetnsName, f.Netns, f.NetnsGone))
	}
	if other := w.s.OtherFailures; other != nil {
		t.add(phrase.Grouped(other.Count), oneDecimal(other.Rate), "all others", "", "", "", "", "", other.Last.UTC().Format(time.TimeOnly))
	}
	t.write(&w.out, "Failures", w.more(len(merged)))
	for i := range listed {
		if h := listed[i].HeldBy; h != nil {
			writeWide(&w.out, "  ", listed[i].Target.String()+phrase.ProtoSuffix(listed[i].Proto)+" is held by "+phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn))
		}
	}
	for i := range w.s.Sweeps[:min(len(w.s.Sweeps), w.rows())] {
		fmt.Fprintf(&w.out, "  %s\n", phrase.Sweep(&w.s.Sweeps[i], w.s.Wall))
	}
}

// reason returns the name of the reason, marked if it was inferred.
func reason(f *snapshot.Failure) string {
	return phrase.Marked(f.Inferred, event.FieldReason, f.Reason.String())
}
