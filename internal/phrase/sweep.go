package phrase

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// minSweep is the number of alike failures from which they are one sentence: fewer are
// better named one by one.
const minSweep = 5

// sweep is one failure, or many of one program that differ only by target or by process: a
// scanner that is refused by a thousand targets, a shell loop whose every curl(1) fails.
type sweep struct {
	worst     *snapshot.Failure // the row with the highest rate, else the latest
	inferred  event.Field       // of any row
	rows      int
	processes map[event.ProcID]bool
	targets   map[event.Endpoint]bool
	count     uint64
	rate      float64
	last      time.Time
}

// sweepKey is what the failures of a sweep have in common. A program without a name is
// known by its pid alone.
type sweepKey struct {
	comm   string
	pid    event.ProcID
	proto  event.Proto
	op     event.Op
	errno  event.Errno
	reason event.Reason
}

func keyOfSweep(f *snapshot.Failure) sweepKey {
	key := sweepKey{comm: f.Proc.Comm, proto: f.Proto, op: f.Op, errno: f.Errno, reason: f.Reason}
	if key.comm == "" {
		key.pid = f.Proc.ID
	}
	return key
}

// sweeps sums up the failures, worst first: by rate, then by time. Those that are too few
// for a sweep stay one by one.
func sweeps(failures []*snapshot.Failure) []*sweep {
	index := map[sweepKey]*sweep{}
	for _, f := range failures {
		key := keyOfSweep(f)
		if index[key] == nil {
			index[key] = &sweep{}
		}
		index[key].add(f)
	}
	var all []*sweep
	for _, f := range failures {
		key := keyOfSweep(f)
		switch whole := index[key]; {
		case whole == nil: // is in all already
		case whole.rows < minSweep:
			single := &sweep{}
			single.add(f)
			all = append(all, single)
		default:
			all = append(all, whole)
			index[key] = nil
		}
	}
	slices.SortStableFunc(all, func(a, b *sweep) int { return cmp.Or(cmp.Compare(b.rate, a.rate), b.last.Compare(a.last)) })
	return all
}

func (w *sweep) add(f *snapshot.Failure) {
	if w.rows == 0 {
		w.processes, w.targets = map[event.ProcID]bool{}, map[event.Endpoint]bool{}
	}
	if w.worst == nil || cmp.Or(cmp.Compare(f.Rate, w.worst.Rate), f.Last.Compare(w.worst.Last)) > 0 {
		w.worst = f
	}
	w.rows++
	w.processes[f.Proc.ID], w.targets[f.Target] = true, true
	w.inferred |= f.Inferred
	w.count += f.Count
	w.rate += f.Rate
	if f.Last.After(w.last) {
		w.last = f.Last
	}
}

// forms returns which program fails to do what, why, and how often or when, in forms:
//
//	curl(4242) cannot connect to 10.0.0.2:80: no free local port (EADDRNOTAVAIL), 121/s
//	scanner(812) cannot connect to 7,012 targets: connection refused (ECONNREFUSED), 4,867/s
//
// What was inferred has the mark ~.
func (w *sweep) forms(now time.Time) []string {
	verb, pace := "cannot", ", "+Rate(w.rate)+"/s"
	if w.rate <= 0 {
		verb, pace = "could not", ", "+Ago(now, w.last)
	}
	f := w.row()
	full, name := w.subject()
	does := " " + w.predicate(verb) + ": "
	why := cmp.Or(reasonWords(f), Errno(f), "unknown error")
	return []string{
		full + does + cause(f) + pace, name + does + cause(f) + pace, name + does + why + pace, name + ": " + why + pace,
	}
}

// earlier returns the sentence of a failure of the past, with the number of its occurrences.
func (w *sweep) earlier() string {
	subject, _ := w.subject()
	return subject + " " + w.predicate("could not") + ": " + cause(w.row()) + ", " + plural(w.count, "time")
}

// row returns the worst row, with the marks of all.
func (w *sweep) row() *snapshot.Failure {
	f := *w.worst
	f.Inferred = w.inferred
	return &f
}

// subject returns the name of the program with its pid or how many processes it is, and
// without.
func (w *sweep) subject() (full, name string) {
	full, name = caller(&w.worst.Proc)
	if n := len(w.processes); n > 1 {
		full = name + " (" + Count(n) + " processes)"
	}
	return full, name
}

// predicate returns what the program cannot do: cannot connect to 10.0.0.2:80.
func (w *sweep) predicate(verb string) string {
	f := w.worst
	what := Endpoint(f.Target)
	if n := len(w.targets); n > 1 {
		what = Count(n) + " targets"
		if f.Op != event.OpConnect {
			what = Count(n) + " addresses"
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
