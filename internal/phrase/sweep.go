package phrase

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// minSweep is the number of targets from which alike failures are one sentence: fewer are better
// named one by one.
const minSweep = 5

// FailureSum is one failure, or many of one program that differ only by target or by process: a
// scanner that is refused by a thousand targets, a shell loop whose every curl(1) fails.
type FailureSum struct {
	worst     *snapshot.Failure // the part with the highest rate, else the latest
	inferred  event.Field       // of any part
	processes map[event.ProcID]bool
	targets   map[event.Endpoint]bool
	swept     int              // targets that have no row each
	programs  snapshot.Program // with all processes, if they are known
	about     bool             // swept is an estimate, or the same targets may be in it twice
	count     uint64
	rate      float64
	first     time.Time
	last      time.Time
}

// sweepKey is what the failures of a sweep have in common. A program without a name is
// known by its pid alone.
type sweepKey struct {
	program snapshot.ProgramKey
	pid     event.ProcID
	proto   event.Proto
	op      event.Op
	errno   event.Errno
	reason  event.Reason
}

func keyOfSweep(f *snapshot.Failure) sweepKey {
	key := sweepKey{program: snapshot.ProgramOf(&f.Proc), proto: f.Proto, op: f.Op, errno: f.Errno, reason: f.Reason}
	if f.Proc.Program() == "" {
		key.pid = f.Proc.ID
	}
	return key
}

// part is a row of failures, or the sweep of one process in place of its rows.
type part struct {
	*snapshot.Failure
	targets   int // 0: the target of the Failure
	estimated bool
}

// parts returns the wanted failures without the harmless, each occurrence in one part.
func parts(s *snapshot.Snapshot, wanted func(*snapshot.Failure) bool) []part {
	type key struct {
		sweepKey
		proc  event.ProcID
		netns uint32
	}
	keyOf := func(f *snapshot.Failure) key { return key{keyOfSweep(f), f.Proc.ID, f.Netns} }
	swept := map[key]bool{}
	var all []part
	add := func(p part) {
		if !p.Harmless() && wanted(p.Failure) {
			all = append(all, p)
		}
	}
	for i := range s.Sweeps {
		w := &s.Sweeps[i]
		swept[keyOf(&w.Failure)] = true
		add(part{&w.Failure, w.Targets, w.Estimated})
	}
	for i := range s.Failures {
		if f := &s.Failures[i]; !swept[keyOf(f)] {
			add(part{Failure: f})
		}
	}
	return all
}

// SumFailures sums up the wanted failures without the harmless, worst first: by rate, then by
// time. Those that are too few for one sentence stay one by one.
func SumFailures(s *snapshot.Snapshot, wanted func(*snapshot.Failure) bool) []*FailureSum {
	index := map[sweepKey][]part{}
	for _, p := range parts(s, wanted) {
		key := keyOfSweep(p.Failure)
		index[key] = append(index[key], p)
	}
	var all []*FailureSum
	for _, alike := range index {
		if whole := newSweep(alike...); len(alike)+whole.swept >= minSweep {
			all = append(all, whole)
			continue
		}
		all = append(all, byTarget(alike)...)
	}
	addPrograms(s, all)
	slices.SortFunc(all, func(a, b *FailureSum) int {
		return cmp.Or(
			cmp.Compare(b.rate, a.rate), b.last.Compare(a.last), cmp.Compare(b.count, a.count),
			cmp.Compare(a.worst.Proc.ID.PID, b.worst.Proc.ID.PID), cmp.Compare(a.worst.Target.String(), b.worst.Target.String()),
		)
	})
	return all
}

// byTarget returns a sweep for each target: the processes of one program are one there.
func byTarget(alike []part) (all []*FailureSum) {
	type target struct {
		event.Endpoint
		netns uint32
	}
	index := map[target]*FailureSum{}
	for _, p := range alike {
		at := target{p.Target, p.Netns}
		if index[at] == nil || p.targets > 0 {
			index[at] = newSweep()
			all = append(all, index[at])
		}
		index[at].add(p)
	}
	return all
}

// addPrograms gives the sweeps of one target what is counted of all processes of the program:
// rows are kept of the last 4,096 alone.
func addPrograms(s *snapshot.Snapshot, all []*FailureSum) {
	for _, w := range all {
		if len(w.processes) < 2 || len(w.targets) != 1 || w.swept > 0 {
			continue
		}
		for i := range s.ProgramFailures {
			p := &s.ProgramFailures[i]
			if keyOfSweep(&p.Failure) == keyOfSweep(w.worst) && w.targets[p.Target] && p.Netns == w.worst.Netns && p.Count >= w.count {
				w.programs, w.count, w.rate = p.Program, p.Count, p.Rate
			}
		}
	}
}

func newSweep(parts ...part) *FailureSum {
	w := &FailureSum{processes: map[event.ProcID]bool{}, targets: map[event.Endpoint]bool{}}
	for _, p := range parts {
		w.add(p)
	}
	return w
}

func (w *FailureSum) add(p part) {
	if w.worst == nil || cmp.Or(cmp.Compare(p.Rate, w.worst.Rate), p.Last.Compare(w.worst.Last)) > 0 {
		w.worst = p.Failure
	}
	if p.targets > 0 {
		w.about = w.about || p.estimated || w.swept > 0
		w.swept += p.targets
	} else {
		w.targets[p.Target] = true
	}
	w.processes[p.Proc.ID] = true
	w.inferred |= p.Inferred
	w.count += p.Count
	w.rate += p.Rate
	if p.Last.After(w.last) {
		w.last = p.Last
	}
	if w.first.IsZero() || p.First.Before(w.first) {
		w.first = p.First
	}
}

// Sweep returns the failures of one process towards many targets in one sentence.
func Sweep(w *snapshot.Sweep, now time.Time) string {
	return newSweep(part{&w.Failure, w.Targets, w.Estimated}).Sentence(now) + "; " + Plural(w.Count, "time") + " in all"
}

// Worst returns the row with the highest rate, of equal ones the latest.
func (w *FailureSum) Worst() *snapshot.Failure { return w.worst }

// Count returns how many calls failed, Rate how many per second over snapshot.RateWindow.
func (w *FailureSum) Count() uint64 { return w.count }

// Rate is described at Count.
func (w *FailureSum) Rate() float64 { return w.rate }

// Last returns when the last call failed.
func (w *FailureSum) Last() time.Time { return w.last }

// First returns when the first call of these failed.
func (w *FailureSum) First() time.Time { return w.first }

// Sentence returns which program cannot do what, why, and how often or when. What was inferred has
// the mark ~:
//
//	curl ×2,137 cannot connect to 10.0.0.2:80: no free local port (EADDRNOTAVAIL), 102/s
func (w *FailureSum) Sentence(now time.Time) string {
	verb, pace := w.pace(now)
	return w.subject() + " " + w.predicate(verb) + InNetns(w.worst.NetnsName) + ": " + cause(w.row()) + pace
}

// pace returns the verb, and how often or when the calls fail.
func (w *FailureSum) pace(now time.Time) (verb, pace string) {
	if w.rate <= 0 {
		return "could not", ", " + Ago(now, w.last)
	}
	return "cannot", ", " + Rate(w.rate) + "/s"
}

// Earlier returns the sentence of a failure of the past, with the number of its occurrences.
func (w *FailureSum) Earlier() string {
	return w.subject() + " " + w.predicate("could not") + ": " + cause(w.row()) + ", " + Plural(w.count, "time")
}

// row returns the worst row, with the marks of all.
func (w *FailureSum) row() *snapshot.Failure {
	f := *w.worst
	f.Inferred = w.inferred
	return &f
}

// subject returns the name of the program with its pid, or with how many processes it is.
func (w *FailureSum) subject() string {
	full, name := caller(&w.worst.Proc)
	if n := len(w.processes); n > 1 {
		return name + Times(max(n, w.programs.Processes), w.programs.About)
	}
	return full
}

// predicate returns what the program cannot do: cannot connect to 10.0.0.2:80.
func (w *FailureSum) predicate(verb string) string {
	f := w.worst
	what := asked(f)
	if n := len(w.targets) + w.swept; n > 1 {
		what = Grouped(n) + " targets"
		if f.Op != event.OpConnect {
			what = Grouped(n) + " addresses"
		}
		if w.about {
			what = "about " + what
		}
	}
	return verb + " " + deed(f) + " " + what
}

// deed returns what a call does to its target. UDP is always named.
func deed(f *snapshot.Failure) string {
	udp := f.Proto == event.UDP
	switch {
	case f.Op == event.OpConnect && udp:
		return "connect a UDP socket to"
	case f.Op == event.OpConnect:
		return "connect to"
	case f.Op == event.OpListen:
		return "listen on"
	case udp:
		return f.Op.String() + " a UDP socket to"
	}
	return f.Op.String()
}
