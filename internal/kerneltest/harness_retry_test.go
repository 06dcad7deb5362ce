package kerneltest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// tries bounds how often a test is gone through.
const tries = 4

// again goes through a test that looks at single events. Where the processor stands still
// in the midst of a program, as an emulated one does and since Linux 7.0 any that changes
// tasks there, the kernel skips runs of the others, and counts them: what is wrong then may
// be for that, so the test is gone through once more. With nothing skipped it fails at once.
func again(t *testing.T, test func(*try)) {
	t.Helper()
	for left := tries - 1; ; left-- {
		a := &attempt{}
		a.live(t, test)
		skipped := a.skipped()
		if len(a.wrong) == 0 {
			return
		}
		if skipped == 0 || left == 0 {
			t.Error(strings.Join(a.wrong, "\n"))
			return
		}
		t.Logf("the kernel skipped %d runs, so once more:\n%s", skipped, strings.Join(a.wrong, "\n"))
	}
}

// attempt is what came of going through a test once.
type attempt struct {
	wrong  []string
	traces []*trace
}

// try is the testing.T of an attempt: it holds back what is wrong.
type try struct {
	*testing.T
	attempt *attempt
}

// gaveUp is how Fatal ends an attempt, and not the test.
type gaveUp struct{}

func (a *attempt) live(t *testing.T, test func(*try)) {
	defer func() {
		if ended := recover(); ended != nil && ended != any(gaveUp{}) {
			panic(ended)
		}
	}()
	test(&try{t, a})
}

// skipped stops all traces and adds up what the kernel skipped in each.
func (a *attempt) skipped() uint64 {
	var n uint64
	for _, tr := range a.traces {
		tr.stop()
		n += tr.books.health.Missed
	}
	return n
}

// Run is for parts that have a name. The part does not fail, but the test.
func (t *try) Run(name string, part func(*try)) {
	t.T.Run(name, func(sub *testing.T) { t.attempt.live(sub, part) })
}

func (t *try) note(text string) {
	_, file, line, _ := runtime.Caller(2)
	t.attempt.wrong = append(t.attempt.wrong, fmt.Sprintf("%s: %s:%d: %s", t.Name(), filepath.Base(file), line, strings.TrimSpace(text)))
}

func (t *try) Error(args ...any)                 { t.note(fmt.Sprintln(args...)) }
func (t *try) Errorf(format string, args ...any) { t.note(fmt.Sprintf(format, args...)) }

func (t *try) Fatal(args ...any) {
	t.note(fmt.Sprintln(args...))
	panic(gaveUp{})
}

func (t *try) Fatalf(format string, args ...any) {
	t.note(fmt.Sprintf(format, args...))
	panic(gaveUp{})
}
