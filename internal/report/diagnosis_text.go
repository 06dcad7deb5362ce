package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// DoctorText writes the diagnosis for people, in 80 columns but for what must be copied. Its
// first line is all that a monitoring system shows.
func DoctorText(w io.Writer, d *Diagnosis) error {
	var out bytes.Buffer
	out.WriteString(pluginLine(d.Verdict(), d.headline()) + "\n")
	s := d.Snapshot
	judged := fmt.Sprintf("judged %s to %s UTC, %.1f s", s.Started.UTC().Format(timeLayout), s.Wall.UTC().Format(timeLayout), s.Elapsed.Seconds())
	if s.Host.Name != "" {
		judged += " on " + printable.String(s.Host.Name)
	}
	out.WriteString(judged + "\n")
	for i := range d.Findings {
		writeFinding(&out, i+1, d.Findings, s.Wall)
	}
	d.writeFailed(&out)
	if len(d.Lacks) > 0 {
		out.WriteString("\nNot judged\n")
		for _, lack := range d.Lacks {
			writeItem(&out, "  - ", printable.String(lack))
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// writeFailed writes which calls failed most often, if no finding is worth a warning: for other reasons
// than a lack of ports, as of a service that does not run.
func (d *Diagnosis) writeFailed(out *bytes.Buffer) {
	if d.Verdict() != Fine {
		return
	}
	failed := phrase.SumFailures(d.Snapshot, func(*snapshot.Failure) bool { return true })
	if len(failed) == 0 {
		return
	}
	slices.SortStableFunc(failed, func(a, b *phrase.FailureSum) int { return cmp.Compare(b.Count(), a.Count()) })
	out.WriteString("\nFailed, not for want of a port (all: porttrace events -x, export -x FILE)\n")
	for _, sum := range failed[:min(len(failed), maxWho)] {
		writeItem(out, "  - ", printable.String(sum.Earlier()))
	}
	if more := len(failed) - maxWho; more > 0 {
		writeItem(out, "  - ", phrase.Plural(more, "other failure"))
	}
}

// headline returns the worst finding and how many more there are, or that there is none.
func (d *Diagnosis) headline() string {
	s := d.Snapshot
	text := cmp.Or(doctor.Headline(d.Findings), d.unseen(), fmt.Sprintf("no finding in %s: %s opened, %s",
		phrase.Elapsed(s.Elapsed), phrase.Plural(s.Totals.Opens, "connection"), phrase.Failed(s)))
	if d.Ignored > 0 {
		text += fmt.Sprintf(" (%d ignored)", d.Ignored)
	}
	return text
}

// pluginWords are what monitoring plugins begin with.
var pluginWords = map[Verdict]string{Fine: "OK", Warning: "WARNING", Critical: "CRITICAL", Unknown: "UNKNOWN"}

// pluginLine returns a line for a monitoring system, to which | begins the figures of a plugin.
func pluginLine(v Verdict, text string) string {
	return pluginWords[v] + ": " + strings.ReplaceAll(printable.String(text), "|", "/")
}

// writeFinding writes all of one of the findings, counted from 1.
func writeFinding(out *bytes.Buffer, number int, of []doctor.Finding, now time.Time) {
	f := &of[number-1]
	out.WriteString("\n")
	writeItem(out, fmt.Sprintf("%d. ", number), strings.ToUpper(f.Severity.String())+": "+printable.String(f.Summary))
	writeItem(out, "   ", phrase.Span(f.Since, f.Until, now)+"; "+f.Confidence.Words())
	writeEvidence(out, f.Evidence)
	writeSufferers(out, f.Victims)
	if len(f.Advice) > 0 {
		out.WriteString("\n   What to do, least risk first\n")
	}
	for i := range f.Advice {
		writeAdvice(out, i+1, &f.Advice[i])
	}
	if len(f.Wrong) > 0 {
		out.WriteString("\n   What does not help\n")
		for _, wrong := range f.Wrong {
			writeItem(out, "   - ", printable.String(wrong))
		}
	}
	hide := f.Name(of)
	if printable.String(hide) != hide { // it cannot be typed
		hide = string(f.Cause)
	}
	fmt.Fprintf(out, "\n   More: porttrace explain %s\n   Hide: porttrace doctor --ignore %s\n", f.Cause, phrase.ShellWord(hide))
}

// writeEvidence writes the figures; their moment in the title if all have the same.
func writeEvidence(out *bytes.Buffer, list []doctor.Evidence) {
	if len(list) == 0 {
		return
	}
	at := list[0].At
	if slices.ContainsFunc(list, func(e doctor.Evidence) bool { return moment(e.At) != moment(at) }) {
		at = time.Time{}
	}
	out.WriteString("\n   Evidence" + moment(at) + "\n")
	for i := range list {
		text := printable.String(list[i].Text)
		if at.IsZero() {
			text += moment(list[i].At)
		}
		writeItem(out, "   - ", text)
	}
}

func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " (" + at.UTC().Format(time.TimeOnly) + ")"
}

// maxVictims bounds the processes that are listed. JSON has all.
const maxVictims = 5

func writeSufferers(out *bytes.Buffer, victims []doctor.Victim) {
	if len(victims) == 0 {
		return
	}
	out.WriteString("\n   Who suffers\n")
	for i := range victims[:min(len(victims), maxVictims)] {
		writeItem(out, "   - ", phrase.Sufferer(victims[i].Proc, victims[i].Failures, victims[i].Last))
	}
	if more := len(victims) - maxVictims; more > 0 {
		fmt.Fprintf(out, "   - and %s more\n", phrase.Grouped(more))
	}
}

// writeAdvice writes what to do. A command is on lines of its own, as it is to be typed.
func writeAdvice(out *bytes.Buffer, number int, a *doctor.Advice) {
	writeItem(out, fmt.Sprintf("   %d. ", number), printable.String(a.Action)+" ["+a.Safety.Words()+"]")
	writeCommand(out, "", a.Command)
	writeLabeled(out, "effect: ", a.Effect)
	writeLabeled(out, "risk:   ", a.Risk)
	writeUndo(out, a.Undo)
}

// writeUndo writes the way back, behind its name if it is one line that fits.
func writeUndo(out *bytes.Buffer, undo string) {
	const label = "      undo:   "
	list := phrase.CommandLines(undo)
	if len(list) == 1 && undo != "" && len(label)+len(list[0]) <= textWidth {
		out.WriteString(label + list[0] + "\n")
		return
	}
	writeCommand(out, "      undo:\n", undo)
}

// writeLabeled writes a text if there is one.
func writeLabeled(out *bytes.Buffer, label, text string) {
	if text != "" {
		writeItem(out, "      "+label, printable.String(text))
	}
}

// writeCommand writes lines to copy, if there are any.
func writeCommand(out *bytes.Buffer, before, lines string) {
	if lines == "" {
		return
	}
	out.WriteString(before)
	for _, line := range phrase.CommandLines(lines) {
		out.WriteString("          " + line + "\n")
	}
}
