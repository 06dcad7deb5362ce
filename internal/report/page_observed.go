package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/page"
	"github.com/porttrace/porttrace/internal/phrase"
)

// maxTurns bounds the moments that are listed.
const maxTurns = 30

// turn is a moment at which something began or ended.
type turn struct {
	at   time.Time
	what string
}

// sinceWhen lists when what began and ended, in order.
func (w *writer) sinceWhen(findings []doctor.Finding) []page.Block {
	turns := slices.Concat(findingTurns(findings), w.spaceTurns(), w.failureTurns())
	turns = slices.DeleteFunc(turns, func(t turn) bool { return t.at.IsZero() })
	slices.SortStableFunc(turns, func(a, b turn) int { return a.at.Compare(b.at) })
	more := len(turns) - maxTurns
	turns = turns[:min(len(turns), maxTurns)]
	t := table{head: []string{"UTC", "what"}, left: "UTC what", more: more}
	t.add(w.s.Started.UTC().Format(time.TimeOnly), "what is counted here begins")
	for _, turn := range turns {
		t.add(turn.at.UTC().Format(time.TimeOnly), turn.what)
	}
	t.add(w.s.Wall.UTC().Format(time.TimeOnly), "what is counted here ends")
	return tableBlock(t)
}

func findingTurns(findings []doctor.Finding) (turns []turn) {
	for i := range findings {
		f := &findings[i]
		turns = append(turns, turn{f.Since, fmt.Sprintf("finding %d begins: %s", i+1, f.Cause)}, turn{f.Until, fmt.Sprintf("finding %d is over", i+1)})
	}
	return turns
}

func (w *writer) spaceTurns() (turns []turn) {
	_, spaces := w.spaceRows()
	for i := range spaces {
		p := &spaces[i]
		name := phrase.Space(p)
		if !p.FullSince.IsZero() && !p.FullBeforeStart {
			turns = append(turns, turn{p.FullSince, name + ": no port is left, to the end"})
		}
		if p.Exhausted > 0 {
			turns = append(turns, turn{p.ExhaustedSince, name + ": calls find no port, to the end"},
				turn{p.LastExhausted, name + ": the last call that found no port"})
		}
		if p.TakenShare() > 0 || p.Exhausted > 0 {
			turns = append(turns, turn{p.PeakAt, name + ": the most ports in use, " + phrase.Ports(p, p.Peak) + " of " + phrase.Capacity(p)})
		}
	}
	return turns
}

func (w *writer) failureTurns() (turns []turn) {
	_, failures := w.failures()
	for i := range failures[:min(len(failures), topRows)] {
		f := &failures[i]
		what := phrase.Programs(&f.Program) + ": " + f.Op.String() + " " + phrase.Target(&f.Failure) + ", " + phrase.Errno(&f.Failure)
		turns = append(turns, turn{f.First, what + ": the first failure of " + phrase.Grouped(f.Count)})
		if f.Count > 1 {
			turns = append(turns, turn{f.Last, what + ": the last failure"})
		}
	}
	return turns
}

// howSeen says how the figures came about.
func (w *writer) howSeen() (blocks []page.Block) {
	s := w.s
	if line := signalLine(s.Signals); line != "" {
		blocks = append(blocks, page.Block{Text: line})
	}
	blocks = append(blocks, tableBlock(w.signals())...)
	blocks = append(blocks, page.Block{Heading: "Health"}, page.Block{List: w.health()})
	add := func(title string, lines []string) {
		if len(lines) > 0 {
			blocks = append(blocks, page.Block{Heading: title}, page.Block{List: lines})
		}
	}
	if s.SocketLimit > 0 {
		add("Limits", []string{"only " + phrase.Grouped(s.SocketLimit) + " sockets were followed: what is counted of them is a lower bound"})
	}
	add("Only counted, but for a sample of connections (--detail-limit)", limits(s.DetailLimits))
	add("Missing parts", w.gaps())
	namespaces, seen := namespaceRows(s)
	blocks = append(blocks, tableBlock(namespaces)...)
	add("What the kernel has counted", countLines(seen))
	var notices []string
	for _, n := range s.Notices {
		notices = append(notices, n.At.UTC().Format(time.TimeOnly)+"  "+n.Text)
	}
	add("Notices", notices)
	return blocks
}

// notKnown has what was not judged, and what was not observed.
func (w *writer) notKnown(findings []doctor.Finding) []page.Block {
	lines := doctor.Lacks(w.s, findings...)
	if missing := phrase.Unobserved(w.s.Signals); len(missing) > 0 {
		lines = append(lines, "not observed: "+strings.Join(missing, "; "))
	}
	if n := w.s.Totals.TimeWaitOther; n > 0 {
		lines = append(lines, "whose "+phrase.Grouped(n)+" of the buckets in TIME_WAIT are: the kernel counts them, but no connection of them is known")
	}
	if slices.ContainsFunc(w.s.Signals, func(s event.Signal) bool { return s.Mode == event.Inferred }) {
		lines = append(lines, "what is marked with ~ was not observed, but follows from other events")
	}
	if len(lines) == 0 {
		return []page.Block{{Text: "Nothing that porttrace knows of."}}
	}
	return []page.Block{{List: lines}}
}
