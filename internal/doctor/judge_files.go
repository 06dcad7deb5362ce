package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// filesNear is from what share of its limit on, in percent, a process is about to fail.
	filesNear = 95
	// manyCloseWait is how many connections in CLOSE_WAIT are no accident.
	manyCloseWait = 100
)

// files judges processes that come near their limit of open files: socket() and accept() fail
// with EMFILE then, which no network hook shows.
func (j *judge) files() {
	for i := range j.s.Processes {
		p := &j.s.Processes[i]
		u := p.Files
		if u == nil || u.Limit == 0 || u.Open*100 < u.Limit*filesNear {
			continue
		}
		f := Finding{
			ID: id(FDLimit, programOf(&p.Info)), Cause: FDLimit, Severity: Warning, Confidence: Possible, Since: j.s.Wall,
			Summary: fmt.Sprintf("%s has %s of at most %s files open: at the limit no socket can be opened or accepted (EMFILE)",
				named(&p.Info), phrase.Count(u.Open), phrase.Count(u.Limit)),
		}
		f.Subject.Proc = p.Info.ID
		switch {
		case u.Open >= u.Limit:
			f.Severity, f.Confidence = Critical, Proved
			f.Summary = fmt.Sprintf("%s has all its %s files open: it can open and accept no further socket (EMFILE)", named(&p.Info), phrase.Count(u.Limit))
		case opensMore(p) || p.CloseWait >= manyCloseWait:
			f.Confidence = Likely
		}
		j.addFiles(&f, p)
		j.add(f)
	}
}

// opensMore reports whether the process has opened more connections in the last seconds than
// ended.
func opensMore(p *snapshot.Process) bool {
	past := summed(p.History.Points())
	return past.recent.opens > past.recent.closes+past.recent.failures
}

func (j *judge) addFiles(f *Finding, p *snapshot.Process) {
	add := func(n int64, unit, text string) {
		if n > 0 {
			f.Evidence = append(f.Evidence, Evidence{Text: text, Value: float64(n), Unit: unit, At: j.s.Wall, Proc: p.Info})
		}
	}
	add(int64(p.Files.Open), "files", phrase.Plural(p.Files.Open, "open file")+", limit "+phrase.Count(p.Files.Limit)+" (RLIMIT_NOFILE)")
	add(p.Live(), "connections", "of them "+phrase.Plural(p.Live(), "outgoing connection"))
	add(p.CloseWait, "connections", phrase.Plural(p.CloseWait, "connection")+" in CLOSE_WAIT: the other end has closed, the program has not")
}
