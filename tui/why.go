package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
)

// why is the page with the findings about a row, else with the worst of the host.
type why struct {
	of        subject            // the row, nil if there is none
	within    bool               // its page, whose title is on the way already
	all       []doctor.Finding   // of the snapshot
	verdict   verdict.Verdict    // likewise
	snapshot  *snapshot.Snapshot // the one judged
	found     []doctor.Finding   // what is shown
	elsewhere bool               // found is not about the row
	effects   effects
}

// openWhy shows why, and what to do, for the detail, or for the row under the cursor.
func (m *Model) openWhy() {
	if m.shown == nil {
		return
	}
	if page := m.page(); page != nil && page.isWhy() {
		return
	}
	m.enter(&why{of: m.subjectHere(), within: m.page() != nil})
}

func (d *detail) isWhy() bool {
	_, is := d.subject.(*why)
	return is
}

// judged takes the findings of the snapshot that comes next.
func (w *why) judged(j judged) { w.all, w.verdict = j.findings, j.verdict }

func (w *why) title() string {
	const title = "why and what to do"
	if w.of == nil || w.within {
		return title
	}
	return w.of.title() + " › " + title
}

func (w *why) about() *about {
	if w.of == nil {
		return &about{}
	}
	return w.of.about()
}

// update finds the findings again, and reports whether the row is still there.
func (w *why) update(s *snapshot.Snapshot) bool {
	there := w.of == nil || w.of.update(s)
	w.snapshot, w.elsewhere = s, false
	w.found = w.about().matching(w.all)
	slices.SortStableFunc(w.found, func(a, b doctor.Finding) int { return over(&a) - over(&b) })
	if len(w.found) == 0 {
		if worst := doctor.Worst(w.all); worst != nil {
			w.found, w.elsewhere = []doctor.Finding{*worst}, true
		}
	}
	return there
}

// over returns 1 for a finding that is over: those that go on come first.
func over(f *doctor.Finding) int {
	if f.Until.IsZero() {
		return 0
	}
	return 1
}

func (w *why) write(to *sheet) {
	if len(w.found) == 0 || w.elsewhere {
		w.writeNothing(to)
	}
	for i := range w.found {
		if i > 0 || w.elsewhere {
			to.add("", " "+to.st.paint(quiet, strings.Repeat("─", max(to.width-2, 0))))
		}
		w.writeFinding(to, &w.found[i])
	}
	if len(w.found) == 0 || w.elsewhere {
		w.writeLacks(to)
	}
}

// writeNothing says what is known without a finding about the row.
func (w *why) writeNothing(to *sheet) {
	switch {
	case w.elsewhere:
		to.text("No finding is about this row; this is the worst of the host:")
	case w.verdict.Level >= verdict.Soon:
		to.field("SEEN", printable.String(w.verdict.Title), verdictTones[w.verdict.Level])
		to.field("", printable.String(strings.Join(w.verdict.Lines, " ")), plain)
		to.field("DO", printable.String(w.verdict.Do), accent)
	default:
		to.text("No finding in " + phrase.Elapsed(w.snapshot.Elapsed) + ": no cause of trouble that porttrace knows applies to what it saw.")
	}
	if f, ok := w.of.(*failureDetail); ok {
		to.field("REASON", phrase.Reason(f.row.Op, f.row.Reason), plain)
	}
}

// writeLacks says what could not be judged.
func (w *why) writeLacks(to *sheet) {
	for i, lack := range doctor.Lacks(w.snapshot) {
		label := ""
		if i == 0 {
			label = "NOT JUDGED"
		}
		to.field(label, printable.String(lack), plain)
	}
}

var severityTones = map[doctor.Severity]tone{doctor.Info: plain, doctor.Warning: warn, doctor.Critical: fail}

func (w *why) writeFinding(to *sheet, f *doctor.Finding) {
	to.field("CAUSE", strings.ReplaceAll(printable.String(string(f.Cause)), "_", " ")+": "+printable.String(f.Summary), severityTones[f.Severity])
	to.field("", f.Severity.String()+" "+phrase.Span(f.Since, f.Until, w.snapshot.Wall)+", "+f.Confidence.String(), plain)
	first := min(len(f.Evidence), maxProof)
	w.writeProof(to, "PROOF", f.Evidence[:first])
	writeSufferers(to, f.Victims)
	if len(f.Advice) > 0 {
		to.section("DO FIRST, least risk first; effects are computed for this load")
	}
	for i := range f.Advice {
		w.writeAdvice(to, i+1, f, &f.Advice[i])
	}
	writeWrong(to, f.Wrong)
	if first < len(f.Evidence) {
		to.add("")
		w.writeProof(to, "MORE PROOF", f.Evidence[first:])
	}
	to.field("MORE", "porttrace explain "+printable.String(string(f.Cause)), quiet)
}

func writeWrong(to *sheet, list []string) {
	if len(list) > 0 {
		to.add("")
	}
	for i, wrong := range list {
		label := ""
		if i == 0 {
			label = "WON'T HELP"
		}
		to.field(label, "· "+printable.String(wrong), plain)
	}
}

// maxProof is how much evidence comes before the advice, which must be on the first page.
const maxProof = 3

func (w *why) writeProof(to *sheet, label string, list []doctor.Evidence) {
	for i := range list {
		to.field(label, "· "+w.evidence(&list[i]), plain)
		label = ""
	}
}

// evidence returns the text, with its moment unless that is now.
func (w *why) evidence(e *doctor.Evidence) string {
	text := printable.String(e.Text)
	if !e.At.IsZero() && !e.At.Truncate(time.Second).Equal(w.snapshot.Wall.Truncate(time.Second)) {
		text += " (" + e.At.UTC().Format(time.TimeOnly) + ")"
	}
	return text
}

// maxSufferers bounds the victims that are listed.
const maxSufferers = 3

func writeSufferers(to *sheet, victims []doctor.Victim) {
	var lines []string
	for i := range victims[:min(len(victims), maxSufferers)] {
		v := &victims[i]
		lines = append(lines, phrase.Sufferer(v.Proc, v.Failures, v.Last))
	}
	if more := len(victims) - maxSufferers; more > 0 {
		lines = append(lines, "and "+phrase.Count(more)+" more")
	}
	to.field("SUFFERS", strings.Join(lines, "; "), plain)
}

func (w *why) writeAdvice(to *sheet, number int, f *doctor.Finding, a *doctor.Advice) {
	mark := " " + strconv.Itoa(number) + " "
	lines := phrase.CommandLines(cmp.Or(a.Command, a.Action))
	cursor := to.addCopy(keyOfAdvice(f, a), strings.Join(lines, "\n"))
	if cursor {
		mark = cursorSign + mark[1:]
	}
	to.hanging(mark, printable.String(a.Action)+" ["+a.Safety.Words()+"]", toneOfCursor(cursor))
	indent := strings.Repeat(" ", cells(mark)+2)
	to.command(indent, a.Command)
	to.labeled(indent, "effect  ", w.effects.of(f, a))
	to.labeled(indent, "risk    ", printable.String(a.Risk))
	to.undo(indent, a.Undo)
}

func toneOfCursor(cursor bool) tone {
	if cursor {
		return accent
	}
	return plain
}

// undo appends the way back, behind its name if it is one line that fits.
func (s *sheet) undo(indent, lines string) {
	if lines == "" {
		return
	}
	const label = "undo    "
	list := phrase.CommandLines(lines)
	if len(list) == 1 && cells(indent+label)+cells(list[0]) <= s.width {
		s.lines = append(s.lines, indent+label+s.st.paint(strong, list[0]))
		return
	}
	s.hanging(indent+"undo", "", quiet)
	s.command(indent, lines)
}

// command appends lines to copy. One that is too long begins further left, and goes on in the next
// line only if it is longer than all of the screen.
func (s *sheet) command(indent, lines string) {
	if lines == "" {
		return
	}
	for _, line := range phrase.CommandLines(lines) {
		before := indent
		if cells(indent)+cells(line) > s.width {
			before = " "
		}
		for part := range strings.SplitSeq(ansi.WrapWc(line, max(s.width-cells(before), 1), ""), "\n") {
			s.lines = append(s.lines, before+s.st.paint(strong, part))
		}
	}
}

// labeled appends a text behind its name, if there is one.
func (s *sheet) labeled(indent, label, text string) {
	if text != "" {
		s.hanging(indent+label, text, plain)
	}
}

// hanging appends a paragraph whose further lines begin below the first word.
func (s *sheet) hanging(mark, text string, t tone) {
	before := mark
	for line := range strings.SplitSeq(ansi.WrapWc(text, max(s.width-cells(mark)-1, 1), ""), "\n") {
		s.lines = append(s.lines, before+s.st.paint(t, line))
		before = strings.Repeat(" ", cells(mark))
	}
}

// names returns the ids of the findings on the page.
func (w *why) names() []string {
	var names []string
	for i := range w.found {
		names = append(names, w.found[i].ID)
	}
	slices.Sort(names)
	return names
}
