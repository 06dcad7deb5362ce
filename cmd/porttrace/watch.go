package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// onFailure is what --on takes for any connect or bind that failed; failOnFull and failOnHigh are the
// others, besides findings.
const onFailure = "failure"

// watch waits for what --on names.
type watch struct {
	on     []string
	before struct{ denied, failed uint64 } // calls until the snapshot before
	going  map[string]bool                 // what was there in the snapshot before
}

func newWatch(on []string) *watch { return &watch{on: on, going: map[string]bool{}} }

// checkWatch refuses what is neither an event nor a finding.
func checkWatch(on []string) error {
	events := []string{failOnFull, failOnHigh, onFailure}
	for _, name := range on {
		cause, _, _ := strings.Cut(name, ":")
		if !slices.Contains(events, name) && !slices.Contains(doctor.Causes(), doctor.Cause(cause)) {
			return usagef("--on %s: must be %s, or the cause or id of a finding (see porttrace explain)", name, strings.Join(events, ", "))
		}
	}
	return nil
}

// observe takes the next snapshot. It returns what has begun since the one before: a word for the name
// of a file, and a sentence.
func (w *watch) observe(s *snapshot.Snapshot) (cause, why string) {
	var now alarms
	now.add(s)
	denied, failed := deniedCalls(s), failedCalls(s)
	for _, name := range w.on {
		reason := ""
		switch name {
		case failOnFull:
			if reason = now.full; reason == "" && denied > w.before.denied {
				reason = phrase.Plural(denied-w.before.denied, "call") + " found no free port"
			}
		case failOnHigh:
			reason = strings.Join(slices.DeleteFunc([]string{now.high, now.full}, func(s string) bool { return s == "" }), "; ")
		case onFailure:
			if failed > w.before.failed {
				reason = phrase.Plural(failed-w.before.failed, "call") + " failed"
			}
		default:
			reason = found(s, name)
		}
		if reason != "" && !w.going[name] && cause == "" {
			cause, why = name, reason
		}
		w.going[name] = reason != ""
	}
	w.before.denied, w.before.failed = denied, failed
	cause, _, _ = strings.Cut(cause, ":")
	return cause, why
}

// deniedCalls returns how many calls found no port.
func deniedCalls(s *snapshot.Snapshot) uint64 {
	n := uint64(0)
	for i := range s.PortSpaces {
		n += s.PortSpaces[i].Exhausted
	}
	return max(n, withoutPort(s))
}

// found returns what a finding with that cause or id says, empty if there is none that is more than a
// note.
func found(s *snapshot.Snapshot, name string) string {
	for _, f := range doctor.Judge(s) {
		if f.Severity > doctor.Info && (f.ID == name || string(f.Cause) == name) {
			return fmt.Sprintf("%s: %s", f.ID, f.Summary)
		}
	}
	return ""
}
