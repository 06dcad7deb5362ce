package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// programFailure is the failures of the processes of one program that are alike.
type programFailure struct {
	snapshot.Failure // of the newest, with the sums of all
	processes        map[event.ProcID]bool
}

// failureKey is what they have in common: a shell loop whose every curl(1) fails is one row.
type failureKey struct {
	program program
	netns   uint32
	proto   event.Proto
	op      event.Op
	errno   event.Errno
	reason  event.Reason
	target  event.Endpoint
}

func keyOf(f *snapshot.Failure) failureKey {
	return failureKey{
		program: programOf(&f.Proc), netns: f.Netns, proto: f.Proto, op: f.Op, errno: f.Errno, reason: f.Reason, target: f.Target,
	}
}

// byProgram merges the rows of processes that run the same program, most failures first.
func byProgram(rows []snapshot.Failure) []programFailure {
	var merged []programFailure
	index := map[failureKey]int{}
	for i := range rows {
		f := &rows[i]
		at, found := index[keyOf(f)]
		if !found {
			index[keyOf(f)] = len(merged)
			merged = append(merged, programFailure{*f, map[event.ProcID]bool{f.Proc.ID: true}})
			continue
		}
		merged[at].add(f)
	}
	slices.SortStableFunc(merged, func(a, b programFailure) int {
		switch {
		case a.Count != b.Count:
			if a.Count > b.Count {
				return -1
			}
			return 1
		}
		return b.Last.Compare(a.Last)
	})
	return merged
}

func (p *programFailure) add(f *snapshot.Failure) {
	p.processes[f.Proc.ID] = true
	sum := p.Failure
	if f.Last.After(p.Last) {
		sum = *f
	}
	sum.Count, sum.Resent, sum.Rate = p.Count+f.Count, p.Resent+f.Resent, p.Rate+f.Rate
	sum.Inferred = p.Inferred | f.Inferred
	sum.First = p.First
	if f.First.Before(p.First) {
		sum.First = f.First
	}
	p.Failure = sum
}

func (p *programFailure) name() string {
	if n := len(p.processes); n > 1 {
		return several(&p.Proc, n)
	}
	return phrase.Process(p.Proc.ID, p.Proc.Comm)
}

func (w *writer) failures() {
	t := table{
		head: []string{"count", "per s", "command", "call", "error", "reason", "address", "first", "last", "netns"},
		left: "command call error reason address netns", optional: []string{"per s", "netns"},
		common: "netns", width: w.width(), drop: []string{"first", "per s", "netns"}, flex: []string{"command", "address"},
	}
	merged := byProgram(w.s.Failures)
	listed := merged[:min(len(merged), w.rows())]
	for i := range listed {
		f := &listed[i]
		t.add(phrase.Grouped(f.Count), oneDecimal(f.Rate), f.name(), f.Op.String(), phrase.Errno(&f.Failure), reason(&f.Failure),
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
