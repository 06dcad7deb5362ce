package report

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
)

const (
	// maxFindings bounds the findings of the text. JSON has all.
	maxFindings = 5
	// maxWho bounds the victims that are listed.
	maxWho = 3
)

// findings writes since when the worst trouble is, who suffers and what to do first, and the
// others in a sentence each.
func (w *writer) findings(findings []doctor.Finding) {
	for i := range findings[:min(len(findings), maxFindings)] {
		f := &findings[i]
		if i < 2 { // the others are of one line, or wrapped
			w.out.WriteString("\n")
		}
		w.item(strings.ToUpper(f.Severity.String())+": ", f.Summary)
		if i == 0 || w.Verbose {
			w.firstFinding(f)
		}
	}
	if more := len(findings) - maxFindings; more > 0 {
		w.item("", "and "+phrase.Grouped(more)+" more: porttrace doctor")
	}
}

func (w *writer) firstFinding(f *doctor.Finding) {
	w.item("  Since: ", strings.TrimPrefix(phrase.Span(f.Since, f.Until, w.s.Wall), "since ")+"; "+f.Confidence.Words())
	if who := sufferers(f.Victims); who != "" {
		w.item("  Who: ", who)
	}
	if len(f.Advice) > 0 {
		w.firstAdvice(&f.Advice[0])
	}
	fmt.Fprintf(&w.out, "  More: porttrace doctor, porttrace explain %s\n", f.Cause)
}

// sufferers names the processes whose calls failed, empty without any.
func sufferers(victims []doctor.Victim) string {
	var names []string
	for i := range victims[:min(len(victims), maxWho)] {
		v := &victims[i]
		names = append(names, phrase.Sufferer(v.Proc, v.Failures, v.Last))
	}
	if more := len(victims) - maxWho; more > 0 {
		names = append(names, phrase.Grouped(more)+" more")
	}
	return strings.Join(names, "; ")
}

func (w *writer) firstAdvice(a *doctor.Advice) {
	w.item("  Do: ", a.Action+" ["+a.Safety.Words()+"]")
	writeCommand(&w.out, "", a.Command)
	if a.Effect != "" {
		w.item("  Effect: ", printable.String(a.Effect))
	}
}
