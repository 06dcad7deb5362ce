package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// observed says how the figures came about: in a line, or in full.
func (w *writer) observed() {
	if w.Verbose {
		writeNamespaces(&w.out, w.s)
		signals := w.signals()
		signals.write(&w.out)
		w.out.WriteString("\nHealth\n")
		for _, line := range w.health() {
			w.out.WriteString("  " + line + "\n")
		}
		w.missing()
		w.limited()
		w.notices()
		return
	}
	w.out.WriteString("\n")
	if line := signalLine(w.s.Signals); line != "" {
		w.item("", line)
	}
	for _, line := range []string{phrase.TooLow(w.s), phrase.RingFull(&w.s.Health)} {
		if line != "" {
			w.item("", line)
		}
	}
	w.limited()
	w.missing()
	w.item("", "-v: all columns, network namespaces, how it was traced, notices")
}

// signalLine names the signals that are not exact.
func signalLine(signals event.Signals) string {
	modes := map[event.Mode][]string{}
	for _, s := range signals {
		modes[s.Mode] = append(modes[s.Mode], s.Name)
	}
	var parts []string
	if inferred := modes[event.Inferred]; len(inferred) > 0 {
		parts = append(parts, "inferred: "+strings.Join(inferred, ", "))
	}
	if off := modes[event.Off]; len(off) > 0 {
		parts = append(parts, "not observed: "+strings.Join(off, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return "~ " + strings.Join(parts, "; ") + " (porttrace check)"
}

func (w *writer) signals() table {
	t := table{title: "Signals", head: []string{"signal", "mode", "hook", "why"}, left: "signal mode hook why"}
	for _, signal := range w.s.Signals {
		t.add(signal.Name, string(signal.Mode), signal.Hook, signal.Reason)
	}
	return t
}

// health says how much was seen and lost, and what that took.
func (w *writer) health() []string {
	h := &w.s.Health
	used, programs := phrase.OwnCost(h, w.s.Elapsed)
	return []string{
		fmt.Sprintf("%s%s, %s lost, %s filtered, %s without owner, %s skipped by the kernel",
			phrase.Plural(h.Events, "event"), selectedEvents(w.s), phrase.Grouped(h.Lost), phrase.Grouped(h.Filtered),
			phrase.Grouped(h.Unattributed), phrase.Plural(h.Missed, "run")),
		fmt.Sprintf("only counted: %s by the limit of detail, %s as the ring was full, %s as many failures were alike",
			phrase.Grouped(h.Limited), phrase.Grouped(h.LostDetails), phrase.Grouped(h.Repeated)),
		"porttrace used " + used + "; its BPF programs: " + programs,
	}
}

// selectedEvents says how many events are the filter's. All the rest of the health is the
// host's: a filter does not make porttrace see less.
func selectedEvents(s *snapshot.Snapshot) string {
	if !s.Filtered {
		return ""
	}
	return fmt.Sprintf(" on the host (%s selected)", phrase.Grouped(s.SelectedEvents))
}

// maxGaps bounds the missing parts that are listed.
const maxGaps = 20

func (w *writer) missing() {
	for _, line := range w.gaps() {
		w.out.WriteString("  " + line + "\n")
	}
}

// gaps lists the missing parts of a recording, newest last.
func (w *writer) gaps() (lines []string) {
	s := w.s
	shown := s.Gaps[max(len(s.Gaps)-maxGaps, 0):]
	if more := s.OlderGaps + uint64(len(s.Gaps)-len(shown)); more > 0 {
		lines = append(lines, fmt.Sprintf("%d earlier parts of the recording are missing", more))
	}
	for _, g := range shown {
		lines = append(lines, fmt.Sprintf("missing from %s: the recording is %s", gapSpan(g.Begin.UTC(), g.End.UTC()), g.Cause()))
	}
	return lines
}

// gapSpan says from when to when, to the millisecond if seconds would be the same.
func gapSpan(begin, end time.Time) string {
	layout := timeLayout
	switch {
	case end.IsZero():
		return begin.Format(layout) + " to an unknown time"
	case begin.Truncate(time.Second).Equal(end.Truncate(time.Second)):
		layout += ".000"
	}
	return begin.Format(layout) + " to " + end.Format(layout)
}

func (w *writer) notices() {
	if len(w.s.Notices) == 0 {
		return
	}
	w.out.WriteString("\nNotices\n")
	for _, n := range w.s.Notices {
		fmt.Fprintf(&w.out, "  %s  %s\n", n.At.UTC().Format(time.TimeOnly), printable.String(n.Text))
	}
}
