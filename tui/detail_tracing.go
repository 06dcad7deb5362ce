package tui

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// tracing is how well everything is observed: the signals, and what was lost.
type tracing struct {
	snapshot *snapshot.Snapshot
	keeper   Keeper // nil: nothing is kept
}

// openTracing shows how the host is traced.
func (m *Model) openTracing() {
	if m.shown == nil {
		return
	}
	if page := m.page(); page != nil {
		if _, is := page.subject.(*tracing); is {
			return
		}
	}
	m.enter(&tracing{m.shown, m.keeping.keeper})
}

func (*tracing) title() string { return "how it is traced" }
func (*tracing) about() *about { return &about{} }

func (t *tracing) update(s *snapshot.Snapshot) bool {
	t.snapshot = s
	return true
}

func (t *tracing) write(to *sheet) {
	s := t.snapshot
	to.field("host", printable.String(s.Host.Name)+", Linux "+printable.String(s.Host.Kernel), plain)
	to.field("events", phrase.Grouped(s.Health.Events)+" in "+phrase.Elapsed(s.Elapsed), plain)
	t.writeLosses(to)
	used, programs := phrase.OwnCost(&s.Health, s.Elapsed)
	to.field("own cost", used, plain)
	to.field("BPF programs", programs, plain)
	if t.keeper != nil {
		kept := t.keeper.Kept()
		to.field("in memory", kept.memory(), plain)
	}
	t.writeLimited(to)
	to.section("Signals")
	for i := range s.Signals {
		writeSignal(to, &s.Signals[i])
	}
	to.section("Not observed here")
	limits := phrase.Limits(s)
	if len(limits) == 0 {
		to.text("Nothing that porttrace knows of.")
	}
	for _, limit := range limits[:min(len(limits), 1)] {
		to.text(printable.String(limit))
	}
	for i := range s.Notices {
		if i == 0 {
			to.section("Notices")
		}
		to.field(phrase.Time(s.Notices[i].At, "15:04:05"), printable.String(s.Notices[i].Text), plain)
	}
}

func (t *tracing) writeLosses(to *sheet) {
	h := &t.snapshot.Health
	if h.Lost == 0 && h.LostDetails == 0 && h.Missed == 0 && len(t.snapshot.Gaps) == 0 {
		to.field("lost", "nothing", good)
		return
	}
	to.field("lost", phrase.TooLow(t.snapshot), fail)
	to.field("ring full", phrase.RingFull(h), warn)
	if h.Missed > 0 {
		to.field("missed", phrase.Plural(h.Missed, "run")+" of programs skipped by the kernel", warn)
	}
	for i := range t.snapshot.Gaps {
		g := &t.snapshot.Gaps[i]
		to.field("gap", g.Cause()+" at "+phrase.Time(g.Begin, "15:04:05"), warn)
	}
}

// maxLimitedShown is how many pairs are listed whose events are only counted.
const maxLimitedShown = 20

// writeLimited lists whose events are only counted, or were.
func (t *tracing) writeLimited(to *sheet) {
	total := phrase.Unlisted(t.snapshot)
	if total == "" {
		return
	}
	to.section("Only counted, but for a sample of connections (--detail-limit)")
	to.text(total)
	list := t.snapshot.DetailLimits[:min(len(t.snapshot.DetailLimits), maxLimitedShown)]
	for i := range list {
		l := &list[i]
		to.text(phrase.LimitTimes(l) + "  " + phrase.Limited(l) + ": " + phrase.Plural(l.Counted, "event"))
	}
	if others := phrase.OtherLimits(t.snapshot, len(list)); others != "" {
		to.text(others)
	}
}

var modeTones = map[event.Mode]tone{event.Exact: good, event.Inferred: warn, event.Off: quiet}

func writeSignal(to *sheet, s *event.Signal) {
	text := pad(printable.String(string(s.Mode)), 9, false) + " " + pad(cmp.Or(printable.String(s.Hook), "-"), 32, false) + " " + printable.String(s.Reason)
	to.field(printable.String(s.Name), text, modeTones[s.Mode])
}
