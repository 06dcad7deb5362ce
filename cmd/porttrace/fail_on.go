package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// What --fail-on takes, each with the exit status of a monitoring plugin.
const (
	failOnFull     = "full"     // a port space was full, or a call found no port: critical
	failOnHigh     = "high"     // more than 80 % were taken: a warning; full is critical here, too
	failOnFailures = "failures" // a connect or bind failed, for whatever reason: critical
)

var failOnNames = []string{failOnFull, failOnHigh, failOnFailures}

// failOnFlag makes the exit status of a report that of a monitoring plugin.
type failOnFlag struct{ on []string }

func (f *failOnFlag) register(cmd *cobra.Command) {
	listVarP(cmd.Flags(), &f.on, "fail-on", "", nil,
		"end with the status of a monitoring plugin, by `WHAT`: full (a port space is full, or a call found no port: 2), "+
			"high (more than 80% taken: 1; full: 2), failures (any connect or bind failed: 2); 0: none of these; 3: not known")
	offer(cmd, "fail-on", failOnNames...)
	inGroup(cmd.Flags(), groupOutput, "fail-on")
}

func (f *failOnFlag) check(census bool) error {
	for _, name := range f.on {
		if !slices.Contains(failOnNames, name) {
			return usagef("--fail-on %s: must be one of %s", name, strings.Join(failOnNames, ", "))
		}
	}
	if census && slices.Contains(f.on, failOnFailures) {
		return usagef("--fail-on failures: a census sees no failures; trace without --census")
	}
	return nil
}

// failOnTyped reports whether the command line has the flag, also one that cannot be parsed.
func failOnTyped() bool {
	return slices.ContainsFunc(os.Args[1:], func(arg string) bool { return arg == "--fail-on" || strings.HasPrefix(arg, "--fail-on=") })
}

// unjudged marks the error of a command that was to judge: its status is none of the others.
func (f *failOnFlag) unjudged(err error) error {
	if err == nil || !failOnTyped() || errors.As(err, new(verdictStatus)) {
		return err
	}
	return unjudged{err, errors.Is(err, errReported)}
}

// status prints why the command ends as it does, and returns the error with that status. Unmatched says that the
// filter has selected nothing: its name can be mistyped, and a cron job with it would never fail.
func (f *failOnFlag) status(seen *alarms, s *snapshot.Snapshot, unmatched string) error {
	status := exitFine
	for _, name := range f.on {
		now, why := seen.of(name)
		if why != "" {
			fmt.Fprintf(os.Stderr, "--fail-on %s: %s\n", name, why)
		}
		status = max(status, now)
	}
	if status == exitFine && len(f.on) > 0 {
		if why := cmp.Or(f.unknown(s), unmatched); why != "" {
			return unjudged{error: fmt.Errorf("--fail-on %s: not known: %s", strings.Join(f.on, ","), why)}
		}
	}
	if status == exitFine {
		return nil
	}
	return verdictStatus(status)
}

// unknown returns why nothing seen does not mean that there was nothing.
func (f *failOnFlag) unknown(s *snapshot.Snapshot) string {
	census := phrase.CensusOnly(s)
	if why, ok := doctor.Judged(s); !ok && !census {
		return why
	}
	if cause := s.Missing(); cause != "" {
		return "a part of the time is " + cause
	}
	failures := slices.Contains(f.on, failOnFailures)
	switch {
	case failures && (len(s.Signals) == 0 || s.Signals.Off(event.SignalConnect)):
		return "failures are not observed"
	case !failures || len(f.on) > 1:
		return unknownRange(s)
	}
	return ""
}

// unknownRange returns that the number of ports is not known, if ports are allocated.
func unknownRange(s *snapshot.Snapshot) string {
	for i := range s.PortSpaces {
		if p := &s.PortSpaces[i]; p.Capacity <= 0 && p.HasAllocations() {
			return "the port range of a network namespace is not known"
		}
	}
	return ""
}

// alarms are what happened at any moment of a report, each in a sentence; empty: it did not.
type alarms struct {
	full, high string // the first of each
	denied     string // calls that found no port: those of the space with the most
	most       uint64 // how many these are
	failures   string
}

func (a *alarms) of(name string) (status int, why string) {
	switch {
	case name == failOnFailures && a.failures != "":
		return exitCritical, a.failures
	case name != failOnFailures && a.denied != "":
		return exitCritical, a.denied
	case name != failOnFailures && a.full != "":
		return exitCritical, a.full
	case name == failOnHigh && a.high != "":
		return exitWarning, a.high
	}
	return exitFine, ""
}

func (a *alarms) add(s *snapshot.Snapshot) {
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		if !p.HasAllocations() || !p.IsNearlyFull() && p.Exhausted == 0 || !concerns(s, p) {
			continue
		}
		if p.Exhausted > a.most {
			a.most, a.denied = p.Exhausted, phrase.Plural(p.Exhausted, "call")+" found no free port for "+phrase.Space(p)
		}
		switch at := phrase.Time(s.Wall, "15:04:05") + " UTC"; {
		case a.full == "" && p.IsFull():
			a.full = phrase.Space(p) + " is full at " + at
		case a.high == "" && p.IsNearlyFull():
			a.high = phrase.Space(p) + " has " + phrase.Taken(p) + " taken at " + at
		}
	}
	if n := withoutPort(s); n > 0 && a.denied == "" { // of a space that has no row
		a.denied = phrase.Plural(n, "call") + " found no free port"
	}
	if n := failedCalls(s); n > 0 {
		a.failures = phrase.Plural(n, "call") + " failed"
	}
}

// withoutPort returns how many calls found no port, of those that have a row.
func withoutPort(s *snapshot.Snapshot) (n uint64) {
	for i := range s.Failures {
		if s.Failures[i].Reason == event.RangeExhausted {
			n += s.Failures[i].Count
		}
	}
	return n
}

// failedCalls returns how many have failed, without those that no program waits for.
func failedCalls(s *snapshot.Snapshot) uint64 {
	n := s.Totals.Failed()
	for i := range s.Failures {
		if f := &s.Failures[i]; f.Harmless() {
			n -= min(n, f.Count)
		}
	}
	return n
}

// concerns reports whether a space has to do with what the filter selects: a space counts the
// sockets of all programs, selected or not. One of UDP is listed only if it has.
func concerns(s *snapshot.Snapshot, p *snapshot.PortSpace) bool {
	if !s.Filtered || p.Proto == event.UDP {
		return true
	}
	denied := func(f snapshot.Failure) bool { return p.Denies(&f) }
	towards := func(q snapshot.Pair) bool {
		return p.Kind == snapshot.ConnectSpace && q.Netns == p.Netns && q.Proto == p.Proto && q.Remote == p.Remote
	}
	holds := func(h snapshot.Holder) bool {
		return p.Kind == snapshot.BindSpace && h.Proc.ID.Known() &&
			slices.ContainsFunc(s.Processes, func(q snapshot.Process) bool { return q.Info.ID == h.Proc.ID })
	}
	return slices.ContainsFunc(s.Failures, denied) || slices.ContainsFunc(s.Pairs, towards) || slices.ContainsFunc(p.Holders, holds)
}
