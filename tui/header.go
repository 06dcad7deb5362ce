package tui

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// headerLines say where one is, how it goes, and what is wrong.
func headerLines(s *snapshot.Snapshot, width int, st *styles) []string {
	return []string{
		join(hostLine(s), width, st),
		join(rateLine(s), width, st),
		join(verdictLine(s), width, st),
	}
}

// hostLine is the host, how long it has been looked at, and how well it is seen.
func hostLine(s *snapshot.Snapshot) []piece {
	name, kernel := printable.String(s.Host.Name), printable.String(s.Host.Kernel)
	short, _, _ := strings.Cut(name, ".")
	release, _, _ := strings.Cut(kernel, "-")
	pieces := []piece{
		{rank: 1, tone: strong, forms: []string{name, short}},
		{rank: 5, tone: quiet, forms: []string{kernel, release}},
		{forms: []string{elapsed(s.Elapsed)}},
		signals(s.Signals),
		{rank: 4, forms: []string{count(s.Health.Events) + " events"}},
	}
	if s.Complete() {
		pieces = append(pieces, piece{rank: 6, comma: true, forms: []string{"none lost"}})
	}
	if s.Health.Lost > 0 {
		pieces = append(pieces, piece{rank: 1, tone: fail, forms: []string{"lost " + count(s.Health.Lost)}})
	}
	if len(s.Gaps) > 0 {
		pieces = append(pieces, piece{rank: 1, tone: warn, forms: missing(s)})
	}
	if s.Health.LostDetails > 0 {
		pieces = append(pieces, piece{rank: 2, tone: warn, forms: []string{"folded " + count(s.Health.LostDetails)}})
	}
	return pieces
}

// missing is what a recording does not hold. It can be cut short at its end only.
func missing(s *snapshot.Snapshot) []string {
	n := s.OlderGaps + uint64(len(s.Gaps))
	truncated := s.Gaps[len(s.Gaps)-1].Truncated
	if truncated {
		n--
	}
	text := count(n) + " gaps"
	if n == 1 {
		text = "1 gap"
	}
	switch {
	case !truncated:
		return []string{text}
	case n == 0:
		return []string{"truncated"}
	}
	return []string{text + ", truncated", "truncated"}
}

// signals says how each is seen: all of them, those that are not exact, the same with
// the mark of inferred values, or how many.
func signals(list event.Signals) piece {
	p := piece{rank: 3}
	var all, worse, inferred, off []string
	for _, signal := range list {
		name := printable.String(signal.Name)
		text := name + " " + printable.String(string(signal.Mode))
		all = append(all, text)
		switch signal.Mode {
		case event.Inferred:
			worse, inferred = append(worse, text), append(inferred, "~"+name)
		case event.Off:
			worse, off = append(worse, text), append(off, "no "+name)
		}
	}
	switch {
	case len(all) == 0:
		return p
	case len(worse) == 0:
		p.forms = []string{strings.Join(all, " · "), "all exact"}
		return p
	}
	p.tone = warn
	p.forms = []string{
		strings.Join(all, " · "), strings.Join(worse, " · "), strings.Join(append(inferred, off...), " "),
		fmt.Sprintf("%d inferred, %d off", len(inferred), len(off)),
	}
	return p
}

// rateLine is what happens now on the whole.
func rateLine(s *snapshot.Snapshot) []piece {
	t := &s.Totals
	pieces := []piece{
		{forms: []string{rate(s.Rates.Opens) + " open/s"}},
		course(openCounts(s.History)),
		{rank: 2, forms: []string{"live " + count(t.Live())}},
	}
	if t.SynSent > 0 {
		pieces = append(pieces, piece{rank: 3, tone: warn, forms: []string{"SYN_SENT " + count(t.SynSent)}})
	}
	pieces = append(pieces,
		piece{rank: 1, forms: []string{"TIME_WAIT " + count(t.TimeWaitOut) + " out"}},
		piece{rank: 4, comma: true, forms: []string{count(t.TimeWaitIn) + " in"}},
	)
	if t.TimeWaitOther > 0 {
		pieces = append(pieces, piece{rank: 5, comma: true, forms: []string{count(t.TimeWaitOther) + " before start"}})
	}
	failures := piece{rank: 1, forms: []string{rate(s.Rates.Failures) + " fail/s"}}
	if s.Rates.Failures > 0 {
		failures.tone = fail
	}
	return append(pieces, failures)
}

// course is a sparkline of the whole, as wide as there is room for. Where nothing
// happened of late there is nothing to draw.
func course(values []uint32) piece {
	p := piece{rank: 6}
	for _, width := range []int{60, 30, 15, 10, 6} {
		line := sparkline(values, min(width, len(values)))
		if strings.TrimSpace(line) != "" {
			p.forms = append(p.forms, line)
		}
	}
	return p
}
