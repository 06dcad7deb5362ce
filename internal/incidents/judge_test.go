package incidents

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/kerneltest/figures"
)

// assign gives the load what was found in its namespaces, or about a process of it.
func (r *result) assign(all []finding) {
	r.answer = [2][]finding{}
	for i := range all {
		f := &all[i]
		ours := func(e evidence) bool { return slices.Contains(r.site.pids, e.PID) }
		switch {
		case f.Netns == r.site.server.Inode():
			r.answer[1] = append(r.answer[1], *f)
		case f.Netns == r.site.client.Inode(), f.Netns == 0 && slices.ContainsFunc(f.Evidence, ours):
			r.answer[0] = append(r.answer[0], *f)
		}
	}
}

// judge compares the findings of the first phase with what must be found.
func (r *result) judge() {
	want := &r.load.want
	for side, findings := range r.answer {
		subject := want.causes != nil && (side == 1) == want.server
		for i := range findings {
			f := &findings[i]
			switch alarm := f.Severity != "info"; {
			case subject && slices.Contains(want.causes, f.Cause) && want.matches(f):
				if r.found == nil {
					r.found = f
				}
			case !alarm, subject && slices.Contains(want.also, f.Cause), !subject && slices.Contains(want.across, f.Cause):
			default:
				r.wrong = append(r.wrong, *f)
			}
		}
	}
	if r.found != nil && r.load.after != nil && len(r.found.Advice) == 0 {
		r.fail("the finding has no advice: %s", r.found.text())
	}
}

// matches reports whether a finding of the right cause names the right process, with the right
// severity.
func (w *want) matches(f *finding) bool {
	severity := w.severity
	if severity == nil {
		severity = []string{"warning", "critical"}
	}
	suffers := func(v victim) bool { return v.Comm == w.victim }
	return slices.Contains(severity, f.Severity) &&
		(w.process == "" || f.names(w.process)) &&
		(w.victim == "" || slices.ContainsFunc(f.Victims, suffers))
}

// names reports whether a finding names a program: in its summary, or as the process of evidence.
func (f *finding) names(program string) bool {
	has := func(e evidence) bool { return e.Comm == program }
	return strings.Contains(f.Summary, program) || slices.ContainsFunc(f.Evidence, has)
}

// judgeAgain checks that nothing is left after the advice.
func (r *result) judgeAgain() {
	r.gone = len(r.errs) == 0
	for _, findings := range r.answer {
		for _, f := range findings {
			switch {
			case f.Severity == "info":
			case f.Cause == r.found.Cause:
				r.gone = false
				r.fail("after the advice: %s", f.text())
			default:
				r.wrong = append(r.wrong, f)
			}
		}
	}
}

// printFigures prints what docs/accuracy.md has of each cause.
func printFigures(t *testing.T, results []*result) {
	t.Helper()
	byCause := map[string]*figures.Cause{}
	of := func(cause string) *figures.Cause {
		if byCause[cause] == nil {
			byCause[cause] = &figures.Cause{Cause: cause, Kernel: kernel()}
		}
		return byCause[cause]
	}
	for _, r := range results {
		if r.skip != "" {
			continue
		}
		row := "none: healthy loads"
		if !r.load.healthy() {
			row = r.load.want.causes[0]
		}
		switch right := r.found != nil || r.load.healthy() && len(r.wrong) == 0; {
		case right:
			of(row).Right++
		default:
			of(row).Missed++
		}
		if r.load.after != nil && r.found != nil {
			of(row).Followed++
			if r.gone {
				of(row).Gone++
			}
		}
		for _, f := range r.wrong {
			of(f.Cause).False++
		}
	}
	for _, cause := range slices.Sorted(maps.Keys(byCause)) {
		t.Log(byCause[cause])
	}
}
