package incidents

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
)

const (
	// recordingTime is how long the loads run under a recording. A port space of TIME_WAIT must be full
	// within it, and findings take 60 s of a load.
	recordingTime = 85 * time.Second
	// drained is how long the TIME_WAIT of the first phase may take to go.
	drained = 65 * time.Second
	// together is how many loads run at the same time. With all of them two processors are too slow for
	// some to be what they are meant to be.
	together = 23
)

// TestIncidents runs the loads, and compares what the doctor finds with what each of them is. Then it
// follows the advice and checks that the findings are gone.
func TestIncidents(t *testing.T) {
	needKernel(t)
	binary := build(t)
	loads := chosenLoads(t)
	w, signals := newWarden(t), signalModes(t, binary)
	results := make([]*result, len(loads))
	for i, l := range loads {
		results[i] = &result{load: l}
		results[i].prepare(t, i+1, w, signals)
	}
	dir := t.TempDir()

	for i, group := range groups(results) {
		first := runAll(t, w, binary, filepath.Join(dir, fmt.Sprintf("first-%d.ptrace", i+1)), group, (*result).begin)
		each(group, len(group), (*result).stopUnless)
		diagnose(t, first, group, (*result).judge)
		each(group, len(group), (*result).follow)
		stopAll(group)
	}
	awaitDrained(results)
	second := runAll(t, w, binary, filepath.Join(dir, "second.ptrace"), results, (*result).beginAgain)
	stopAll(results)
	diagnose(t, second, results, (*result).judgeAgain)

	for _, r := range results {
		t.Run(r.load.name, r.report)
	}
	printFigures(t, results)
}

// result is what becomes of a load.
type result struct {
	load  *load
	site  *site
	skip  string // why it did not run
	lacks string // the program that is not installed

	check  check
	answer [2][]finding // of the last judged phase, by side: client, server
	found  *finding     // the one that is wanted
	gone   bool         // after the advice
	wrong  []finding    // alarms about what is not so
	errs   []error
}

func (r *result) prepare(t *testing.T, number int, w *warden, signals map[string]event.Signal) {
	if r.lacks = r.load.missing(); r.lacks != "" {
		r.skip = r.lacks + " is not installed"
		return
	}
	r.site = newSite(t, number, r.load.name, w, signals)
	if r.load.skip != nil {
		r.skip = r.load.skip(r.site)
	}
}

// groups divides the loads into those that run together. Ones of a kind stand beside each other in
// the list, and so come into different groups.
func groups(results []*result) [][]*result {
	of := make([][]*result, (len(results)+together-1)/together)
	for i, r := range results {
		of[i%len(of)] = append(of[i%len(of)], r)
	}
	return of
}

// runAll records while each load runs that begin starts.
func runAll(t *testing.T, w *warden, binary, file string, results []*result, begin func(*result) check) *recording {
	t.Helper()
	for _, r := range results {
		if r.site != nil {
			r.site.peak = 0
		}
	}
	recording := record(t, w, binary, file)
	each(results, len(results), func(r *result) { r.check = begin(r) })
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { each(results, len(results), func(r *result) { r.site.watchPeak(ended) }) })
	recording.wait(t)
	close(ended)
	watching.Wait()
	each(results, len(results), func(r *result) {
		if r.check == nil {
			return
		}
		if err := errors.Join(r.site.err, r.check()); err != nil {
			r.fail("phase %d: the load is not what it is meant to be: %w\n%s", r.site.phase, err, r.site.logs())
		}
	})
	if stat, err := os.Stat(file); err == nil {
		t.Logf("%s: %d MB", filepath.Base(file), stat.Size()>>20)
	}
	if keep := os.Getenv("PORTTRACE_KEEP"); keep != "" { // to see what a finding follows from
		noError(t, os.Link(file, filepath.Join(keep, filepath.Base(file))))
	}
	return recording
}

// stopUnless ends the programs but those whose namespace the advice must enter.
func (r *result) stopUnless() {
	if !r.load.sysctl {
		r.site.stop()
	}
}

func stopAll(results []*result) {
	each(results, len(results), func(r *result) { r.site.stop() })
}

// each calls work for all results that are not skipped, at most this many at a time.
func each(results []*result, parallel int, work func(*result)) {
	var working sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, r := range results {
		if r.skip != "" {
			continue
		}
		working.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			work(r)
		})
	}
	working.Wait()
}

func (r *result) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *result) begin() check { return r.load.start(r.site) }

// follow sets the sysctls of the advice, beside the load, as an operator would.
func (r *result) follow() {
	if r.again() && r.load.sysctl {
		r.site.followSysctl(*r.found)
	}
}

// again says whether the load runs a second time. One without a finding does not.
func (r *result) again() bool { return r.found != nil && r.load.after != nil && len(r.errs) == 0 }

// beginAgain follows the rest of the advice.
func (r *result) beginAgain() check {
	if !r.again() {
		return nil
	}
	r.site.phase = 2
	return r.load.after(r.site, *r.found)
}

// diagnose asks the doctor, and judges what it finds in the namespaces of each load that ran.
func diagnose(t *testing.T, from *recording, results []*result, judge func(*result)) {
	t.Helper()
	began := time.Now()
	answer := from.doctor(t)
	t.Logf("doctor: %d findings in %.1f s", len(answer.Findings), time.Since(began).Seconds())
	for _, r := range results {
		if r.check != nil {
			r.assign(answer.Findings)
			if r.load.want.alone {
				r.judgeAlone(t, from)
			}
			judge(r)
		}
	}
}

// judgeAlone adds what is found if nothing else of the host is seen.
func (r *result) judgeAlone(t *testing.T, from *recording) {
	t.Helper()
	inode := r.site.server.Inode()
	for _, f := range from.doctor(t, "--netns", strconv.FormatUint(uint64(inode), 10)).Findings {
		if f.Netns == 0 {
			r.answer[1] = append(r.answer[1], f)
		}
	}
}

// awaitDrained waits until the first phase has left no TIME_WAIT in the namespaces that run again.
func awaitDrained(results []*result) {
	deadline := time.Now().Add(drained)
	each(results, len(results), func(r *result) {
		for r.again() && r.site.timeWaits() > 0 && time.Now().Before(deadline) {
			time.Sleep(200 * time.Millisecond)
		}
	})
}

// report is the subtest of a load.
func (r *result) report(t *testing.T) {
	if r.lacks != "" {
		need.Program(t, r.lacks)
	}
	if r.skip != "" {
		t.Skip(r.skip)
	}
	for _, err := range r.errs {
		t.Error(err)
	}
	for _, f := range r.wrong[:min(len(r.wrong), 5)] {
		t.Errorf("false alarm, one of %d: %s", len(r.wrong), f.text())
	}
	switch {
	case len(r.errs) > 0:
	case r.load.healthy():
	case r.found == nil:
		t.Errorf("no finding of %q", r.load.want.causes)
		for _, side := range r.answer {
			for _, f := range side {
				t.Logf("found: %s", f.text())
			}
		}
	case r.load.after != nil && !r.gone:
		t.Error("the advice was followed, and the finding is still there")
	}
}

// kernel is the running one, as the tables have it.
func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + archOf(unix.ByteSliceToString(u.Machine[:]))
}

func archOf(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return machine
}
