package tui

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// headerLines are the host, the rates and the verdict.
func headerLines(s *snapshot.Snapshot, findings []doctor.Finding, width int, st *styles) []string {
	return []string{
		join(hostLine(s), width, st),
		join(rateLine(s), width, st),
		join(verdictLine(s, doctor.Worst(findings), width), width, st),
	}
}

// hostLine returns the host, how long it has been traced, and how well.
func hostLine(s *snapshot.Snapshot) []piece {
	name, kernel := printable.String(s.Host.Name), printable.String(s.Host.Kernel)
	short, _, _ := strings.Cut(name, ".")
	release, _, _ := strings.Cut(kernel, "-")
	pieces := []piece{
		{rank: 1, tone: strong, forms: []string{name, short}},
		{rank: 5, tone: quiet, forms: []string{kernel, release}},
		{forms: []string{phrase.Elapsed(s.Elapsed)}},
		signals(s.Signals),
		{rank: 4, forms: events(s)},
	}
	if s.Complete() {
		pieces = append(pieces, piece{rank: 6, comma: true, forms: []string{"none lost"}})
	}
	if s.Health.Lost > 0 {
		pieces = append(pieces, piece{rank: 1, tone: fail, forms: []string{"lost " + phrase.Count(s.Health.Lost)}})
	}
	if len(s.Gaps) > 0 {
		pieces = append(pieces, piece{rank: 1, tone: warn, forms: missing(s)})
	}
	if s.Health.LostDetails > 0 {
		pieces = append(pieces, piece{rank: 2, tone: warn, forms: []string{phrase.Count(s.Health.LostDetails) + " without detail"}})
	}
	return pieces
}

// events returns how many events there were, in forms; under a filter how many of the host's
// are selected.
func events(s *snapshot.Snapshot) []string {
	all := phrase.Count(s.Health.Events) + " events"
	if !s.Filtered {
		return []string{all}
	}
	return []string{phrase.Count(s.SelectedEvents) + " of " + all, phrase.Count(s.SelectedEvents) + " events"}
}

// missing returns the gaps of a recording, in forms. Only its end can be truncated.
func missing(s *snapshot.Snapshot) []string {
	n := s.OlderGaps + uint64(len(s.Gaps))
	truncated := s.Gaps[len(s.Gaps)-1].Truncated
	if truncated {
		n--
	}
	text := phrase.Count(n) + " gaps"
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

// signals returns the mode of each signal, in forms: of all, of those that are not exact,
// the same with the mark of inferred values, or their number.
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

// verdictLine returns the worst finding, else what fails now, else what failed most, as far as
// that is observed. What fails now comes before a warning. Without a failure of now the line has
// the newest notice.
func verdictLine(s *snapshot.Snapshot, worst *doctor.Finding, width int) []piece {
	forms, level := phrase.Headline(s)
	verdict := piece{forms: forms, tone: levelTones[level]}
	if worst != nil {
		return namingFinding(verdict, level, worst, width)
	}
	if level == phrase.Calm && len(s.Notices) > 0 {
		text := printable.String(s.Notices[len(s.Notices)-1].Text)
		return []piece{verdict, {tone: warn, forms: []string{text}}}
	}
	return []piece{verdict}
}

// namingFinding returns the line with the finding and the key to its page, which is never left
// out.
func namingFinding(verdict piece, level phrase.Level, worst *doctor.Finding, width int) []piece {
	const hint = "w why"
	summary := printable.String(worst.Summary)
	finding := piece{tone: severityTones[worst.Severity], forms: []string{summary, cut(summary, width-cells(hint)-2)}}
	key := piece{tone: quiet, forms: []string{"w why and what to do", hint}}
	if worst.Severity < doctor.Critical && level == phrase.Failing {
		finding.rank = 1
		return []piece{verdict, finding, key}
	}
	return []piece{finding, key}
}

var levelTones = map[phrase.Level]tone{phrase.Calm: plain, phrase.Warning: warn, phrase.Failing: fail}

// rateLine returns the rates and gauges of everything selected.
func rateLine(s *snapshot.Snapshot) []piece {
	t := &s.Totals
	timeWait := "TIME_WAIT " + phrase.Count(t.TimeWaitOut)
	pieces := []piece{
		{forms: []string{phrase.Rate(s.Rates.Opens) + " open/s"}},
		course(openCounts(s.History)),
		{rank: 2, forms: []string{"live " + phrase.Count(t.Live())}},
	}
	if t.SynSent > 0 {
		pieces = append(pieces, piece{rank: 3, tone: warn, forms: []string{"SYN_SENT " + phrase.Count(t.SynSent)}})
	}
	pieces = append(pieces,
		piece{rank: 1, forms: []string{timeWait + " outgoing", timeWait}},
		piece{rank: 7, comma: true, forms: []string{phrase.Count(t.TimeWaitIn) + " accepted"}},
	)
	if t.TimeWaitOther > 0 {
		pieces = append(pieces, piece{rank: 8, comma: true, forms: []string{phrase.Count(t.TimeWaitOther) + " unknown"}})
	}
	if t.BeforeStart > 0 {
		pieces = append(pieces, piece{rank: 5, forms: []string{phrase.Count(t.BeforeStart) + " from before start"}})
	}
	failures := piece{forms: []string{phrase.Rate(s.Rates.Failures) + " fail/s"}}
	if phrase.CensusOnly(s) {
		failures.forms = []string{"failures not observed"}
	}
	if s.Rates.Failures > 0 {
		failures.tone = fail
	}
	return append(pieces, failures)
}

// course returns a sparkline in forms, none if nothing happened in its time.
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
