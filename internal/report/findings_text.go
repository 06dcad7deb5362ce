package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/verdict"
)

const (
	// maxFindings bounds the findings of the text. JSON has all.
	maxFindings = 5
	// maxWho bounds the victims that are listed.
	maxWho = 3
)

// findings writes since when the trouble of the verdict is, who suffers and what to do first. The
// others are the verdict's further lines; with all details they are written, too.
func (w *writer) findings(said *verdict.Verdict, findings []doctor.Finding) {
	first := slices.IndexFunc(findings, func(f doctor.Finding) bool { return f.Key() == said.Finding })
	if first < 0 && len(findings) > 0 {
		first = 0 // of what is over, or of something else than the verdict
	}
	if first < 0 && said.Do != "" {
		w.item("  Do: ", said.Do)
	}
	if first >= 0 {
		f := &findings[first]
		w.finding(f, f.Key() == said.Finding || strings.Contains(strings.Join(said.Lines, "\n"), printable.String(f.Summary)))
		findings = slices.Delete(slices.Clone(findings), first, first+1)
	}
	listed := 0
	if w.Verbose {
		listed = min(len(findings), maxFindings)
	}
	for i := range findings[:listed] {
		w.out.WriteString("\n")
		w.finding(&findings[i], false)
	}
	if more := len(findings) - listed; more > 0 {
		w.item("  ", phrase.Plural(more, "more finding")+": "+w.command("doctor"))
	}
}

// command returns a command of porttrace for what is reported.
func (w *writer) command(name string) string {
	command := "porttrace " + name
	if w.Recording != "" {
		command += " " + phrase.ShellWord(w.Recording)
	}
	return command
}

// finding writes one with its first advice. said: the verdict is about it, so that its summary
// would say the same again.
func (w *writer) finding(f *doctor.Finding, said bool) {
	severity := strings.ToUpper(f.Severity.String()) + ": "
	span := phrase.Span(f.Since, f.Until, w.s.Wall) + "; " + f.Confidence.Words()
	if said {
		w.item(severity, span)
	} else {
		w.item(severity, f.Summary)
		w.item("  ", span)
	}
	if who := sufferers(f.Victims); who != "" {
		w.item("  Who: ", who)
	}
	if first := f.FirstAdvice(); first != nil {
		w.firstAdvice(first)
	}
	fmt.Fprintf(&w.out, "  More: porttrace explain %s\n        %s\n", f.Cause, w.command("doctor"))
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
