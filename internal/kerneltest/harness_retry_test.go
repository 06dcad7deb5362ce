package kerneltest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// maxAttempts bounds how often a test is tried.
const maxAttempts = 4

// retry runs a test that checks single events. If the processor stops in the middle of a
// program, as an emulated one does and since Linux 7.0 any that switches tasks there, the
// kernel skips runs of the other programs and counts them. An attempt that fails then may
// have failed for that reason and is repeated; with no run skipped the test fails at once. What no
// program sees for the agent of the host (package hostagent) counts as skipped.
//
// Errors, and the subtests that they belong to, are reported for the last attempt only. The
// log names each attempt before it, with a line that begins with RETRY.
func retry(t *testing.T, test func(*attempt)) {
	t.Helper()
	for number := 1; ; number++ {
		a := &attempt{T: t, name: t.Name()}
		before := unseen(t)
		a.run(test)
		a.unseen = unseen(t) - before
		skipped, wrong := a.skipped(), a.errors()
		if len(wrong) == 0 || skipped == 0 || number == maxAttempts {
			a.report(t)
			return
		}
		logRetry(t, number, skipped, wrong)
	}
}

// logRetry logs that what is wrong is tried once more.
func logRetry(t *testing.T, number int, skipped uint64, wrong []string) {
	t.Helper()
	t.Logf("RETRY: in attempt %d of %d the kernel skipped %d runs, and this failed:\n%s", number, maxAttempts, skipped, strings.Join(wrong, "\n"))
}

// attempt is the testing.T of one attempt, or of a named part of it. It collects the errors.
type attempt struct {
	*testing.T
	name   string
	wrong  []string
	parts  []*attempt
	traces []*trace
	unseen uint64 // state changes that no program sees for the agent of the host
}

// attemptOver is what Fatal panics with: it ends the attempt, and not the test.
type attemptOver struct{}

func (a *attempt) run(test func(*attempt)) {
	defer func() {
		if ended := recover(); ended != nil && ended != any(attemptOver{}) {
			panic(ended)
		}
	}()
	test(a)
}

// Run runs a part, which becomes a subtest when it is reported.
func (a *attempt) Run(name string, test func(*attempt)) {
	part := &attempt{T: a.T, name: name}
	a.parts = append(a.parts, part)
	part.run(test)
}

// skipped stops all traces and adds up the runs that the kernel skipped in each, and the events that
// were lost for that.
func (a *attempt) skipped() uint64 {
	runs := a.unseen
	for _, tr := range a.traces {
		tr.stop()
		runs += tr.ledger.health.Missed + tr.ledger.health.Lost
	}
	for _, part := range a.parts {
		runs += part.skipped()
	}
	return runs
}

// errors returns those of the attempt and of its parts.
func (a *attempt) errors() []string {
	all := a.wrong
	for _, part := range a.parts {
		for _, text := range part.errors() {
			all = append(all, part.name+": "+text)
		}
	}
	return all
}

// report reports the attempt as a test, and its parts as subtests.
func (a *attempt) report(t *testing.T) {
	for _, text := range a.wrong {
		t.Error(text)
	}
	for _, part := range a.parts {
		t.Run(part.name, part.report)
	}
}

// note keeps an error with the place in the test that it comes from.
func (a *attempt) note(text string) {
	place := ""
	for depth := 2; ; depth++ {
		_, file, line, ok := runtime.Caller(depth)
		name := filepath.Base(file)
		if place = fmt.Sprintf("%s:%d", name, line); !ok || !strings.HasPrefix(name, "harness_") {
			break
		}
	}
	a.wrong = append(a.wrong, fmt.Sprintf("%s: %s", place, strings.TrimSpace(text)))
}

func (a *attempt) Error(args ...any)                 { a.note(fmt.Sprintln(args...)) }
func (a *attempt) Errorf(format string, args ...any) { a.note(fmt.Sprintf(format, args...)) }

func (a *attempt) Fatal(args ...any) {
	a.note(fmt.Sprintln(args...))
	panic(attemptOver{})
}

func (a *attempt) Fatalf(format string, args ...any) {
	a.note(fmt.Sprintf(format, args...))
	panic(attemptOver{})
}
