package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// onFailure is what --on takes for any connect or bind that failed; failOnFull and failOnHigh are the
// others, besides findings.
const onFailure = "failure"

// endsAfter is for how long something must not have been there to have ended: what comes and goes is one.
const endsAfter = time.Minute

// watch waits for what --on names.
type watch struct {
	on     []string
	seen   map[string]time.Time // when each thing was there last
	failed map[string]uint64    // calls until the snapshot before, by what failed
	kept   string               // the worst that the incident has, which is being kept
}

// happening is one of the things that --on names: a port space that is full, a kind of failure, a finding.
type happening struct{ key, why string }

func newWatch(on []string) *watch { return &watch{on: on, seen: map[string]time.Time{}} }

// watched are the events, beside findings.
var watched = []string{failOnFull, failOnHigh, onFailure}

// checkWatch refuses what is neither an event nor a finding.
func checkWatch(on []string) error {
	for _, name := range on {
		if !slices.Contains(watched, name) && !slices.Contains(doctor.Causes(), doctor.CauseOf(name)) {
			return usagef("--on %s: must be %s, or the cause or id of a finding (see porttrace explain)", name, strings.Join(watched, ", "))
		}
	}
	return nil
}

// observe takes the next snapshot. It returns the worst that has begun since the one before: a word for the name
// of a file, and a sentence. While busy, as an incident is being kept, only what is worse than that is returned;
// what has begun meanwhile begins after it, if it is still there.
func (w *watch) observe(s *snapshot.Snapshot, busy bool) (cause, why string) {
	failing := w.failing(s)
	worst, begun := 0, 0
	if busy {
		worst = weight(w.kept)
	}
	for _, name := range w.on {
		for _, h := range happenings(s, name, failing) {
			key := name + " " + h.key
			if last, was := w.seen[key]; !was || s.Wall.Sub(last) > endsAfter {
				if n := weight(name); n > worst {
					cause, why, worst = name, h.why, n
				}
				if busy {
					continue
				}
				begun++
			}
			w.seen[key] = s.Wall
		}
	}
	maps.DeleteFunc(w.seen, func(_ string, last time.Time) bool { return s.Wall.Sub(last) > endsAfter })
	if cause != "" {
		w.kept = cause
	}
	if begun > 1 {
		why += fmt.Sprintf(", and %d more", begun-1)
	}
	return string(doctor.CauseOf(cause)), why
}

// weight is how bad what --on names is: a port space that is full denies calls, one that is high does so soon.
func weight(name string) int {
	switch name {
	case "":
		return 0 // nothing
	case failOnHigh:
		return 1
	case onFailure:
		return 3
	case failOnFull:
		return 4
	}
	return 2 // a finding
}

// happenings returns what there is of one that --on names.
func happenings(s *snapshot.Snapshot, name string, failing []happening) []happening {
	switch name {
	case failOnFull:
		return append(spaces(s, (*snapshot.PortSpace).IsFull), denied(s)...)
	case failOnHigh:
		return spaces(s, (*snapshot.PortSpace).IsNearlyFull)
	case onFailure:
		return failing
	}
	return found(s, name)
}

func spaces(s *snapshot.Snapshot, is func(*snapshot.PortSpace) bool) (list []happening) {
	for i := range s.PortSpaces {
		if p := &s.PortSpaces[i]; p.HasAllocations() && is(p) && concerns(s, p) {
			list = append(list, happening{fmt.Sprint(p.ID()), phrase.Space(p) + " has " + phrase.Taken(p) + " taken"})
		}
	}
	return list
}

// denied returns the calls that found no port, as far as no full port space shows them.
func denied(s *snapshot.Snapshot) (list []happening) {
	for i := range s.PortSpaces {
		if p := &s.PortSpaces[i]; !p.IsFull() && p.ExhaustedRecently(s.Wall) && concerns(s, p) {
			list = append(list, happening{fmt.Sprint(p.ID()), "calls found no free port for " + phrase.Space(p)})
		}
	}
	for i := range s.Failures {
		f := &s.Failures[i]
		denies := func(p snapshot.PortSpace) bool { return p.Denies(f) }
		if f.Reason == event.RangeExhausted && s.Wall.Sub(f.Last) <= snapshot.RecentExhaustion && !slices.ContainsFunc(s.PortSpaces, denies) {
			list = append(list, happening{failureName(f), "no free port: " + failureName(f)})
		}
	}
	return list
}

// failing returns which calls have failed since the snapshot before.
func (w *watch) failing(s *snapshot.Snapshot) (list []happening) {
	failed := map[string]uint64{}
	for i := range s.Failures {
		if f := &s.Failures[i]; !f.Harmless() {
			failed[failureName(f)] += f.Count
		}
	}
	for what, calls := range failed {
		if n := calls - min(calls, w.failed[what]); n > 0 {
			list = append(list, happening{what, phrase.Plural(n, "call") + " failed: " + what})
		}
	}
	slices.SortFunc(list, func(a, b happening) int { return strings.Compare(a.key, b.key) })
	w.failed = failed
	return list
}

// failureName returns what failures of several processes of one program have in common.
func failureName(f *snapshot.Failure) string {
	target := phrase.Remote(f.Proto, f.Target)
	if !f.TargetKnown() {
		target = phrase.Target(f)
	}
	return fmt.Sprintf("%s of %s, %s (%s)", f.Op, f.Proc.Program(), target, f.Reason)
}

// found returns the findings of that name, without those that are only a note.
func found(s *snapshot.Snapshot, name string) (list []happening) {
	for _, f := range doctor.Judge(s) {
		if f.Severity > doctor.Info && f.IsNamed(name) {
			list = append(list, happening{fmt.Sprint(f.Key()), fmt.Sprintf("%s: %s", f.ID, f.Summary)})
		}
	}
	return list
}
