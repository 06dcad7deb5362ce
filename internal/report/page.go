package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/page"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
)

// HTML writes the report as one file with charts, which needs nothing else. series may be empty; then
// it has no charts.
func HTML(w io.Writer, s *snapshot.Snapshot, findings []doctor.Finding, series *Series, opts TextOptions) error {
	return page.HTML(w, newPage(s, findings, series, opts))
}

// Markdown writes the same without charts.
func Markdown(w io.Writer, s *snapshot.Snapshot, findings []doctor.Finding, opts TextOptions) error {
	return page.Markdown(w, newPage(s, findings, nil, opts))
}

// newPage returns the report as a document. What to do comes first, how it is known last.
func newPage(s *snapshot.Snapshot, findings []doctor.Finding, series *Series, opts TextOptions) *page.Document {
	w := &writer{TextOptions: opts, s: s, page: true}
	findings = doctor.Sorted(findings, false)
	said := w.verdict(findings)
	about := w.about()
	if opts.Recording != "" {
		about = append(about, "recording "+opts.Recording)
	}
	d := &page.Document{Title: w.heading(), About: about}
	add := func(title string, blocks []page.Block) {
		if len(blocks) > 0 {
			d.Sections = append(d.Sections, page.Section{Title: title, Blocks: blocks})
		}
	}
	add("Verdict", w.verdictBlocks(&said))
	add("Findings and what to do", w.findingBlocks(findings))
	add("What the advice would do", effectBlocks(findings))
	add("What differs", w.comparisonBlocks())
	add("Who", w.who())
	add("Where", w.where())
	add("Since when", w.sinceWhen(findings))
	if series != nil {
		add("Charts", series.figures(s))
	}
	add("How it was seen", w.howSeen())
	add("What is not known", w.notKnown(findings))
	return d
}

var levels = map[verdict.Level]page.Level{
	verdict.OK: page.Good, verdict.Unknown: page.Unknown, verdict.Soon: page.Warning, verdict.Failing: page.Bad,
}

func (w *writer) verdictBlocks(said *verdict.Verdict) []page.Block {
	card := &page.Card{Level: levels[said.Level], Title: marks[said.Level] + " " + said.Title}
	for _, line := range said.Lines {
		card.Blocks = append(card.Blocks, page.Block{Text: line})
	}
	for _, line := range said.More {
		card.Blocks = append(card.Blocks, page.Block{Text: "also: " + line})
	}
	if said.Do != "" {
		card.Blocks = append(card.Blocks, page.Block{Text: "Do: " + said.Do})
	}
	blocks := []page.Block{{Card: card}}
	if w.Unmatched == "" {
		blocks = append(blocks, page.Block{Facts: []page.Fact{{Name: "seen", Text: w.happened()}, {Name: "now", Text: w.exists()}}})
	}
	return blocks
}

// who has the programs, those whose calls fail, and those that hold the ports.
func (w *writer) who() (blocks []page.Block) {
	failures, listed := w.failures()
	_, spaces := w.spaceRows()
	blocks = append(blocks, tableBlock(w.processes())...)
	blocks = append(blocks, tableBlock(failures)...)
	if lines := append(inTheWay(listed), w.sweeps()...); len(lines) > 0 {
		blocks = append(blocks, page.Block{List: lines})
	}
	return append(blocks, tableBlock(w.holderTable(spaces))...)
}

// holderTable lists who holds the ports of the spaces at risk.
func (w *writer) holderTable(spaces []snapshot.PortSpace) table {
	t := table{
		title: "Holders of the ports that are short", left: "space holder netns", optional: []string{"close_wait", "bound", "netns"},
		head: []string{"space", "holder", "ports", "live", "close_wait", "time_wait", "bound", "netns"},
	}
	for _, p := range w.atRisk(spaces) {
		names, holders, rest := w.holdersOf(p)
		most := min(len(holders), topRows)
		for i := range holders[:most] {
			w.addHolder(&t, p, names[i], &holders[i])
		}
		if rest.Ports() > 0 {
			w.addHolder(&t, p, "others", &rest)
		}
		t.more += len(holders) - most
	}
	return t
}

func (w *writer) addHolder(t *table, p *snapshot.PortSpace, name string, h *snapshot.Holder) {
	t.add(phrase.Space(p), name, phrase.Grouped(h.Ports()), phrase.Grouped(h.Live), phrase.Grouped(h.CloseWait), phrase.Grouped(h.TimeWait),
		phrase.Grouped(h.Bound), w.netns(p.NetnsName, p.Netns, p.NetnsGone))
}

// where has the port spaces and the destinations.
func (w *writer) where() (blocks []page.Block) {
	t, spaces := w.spaceRows()
	if len(t.rows) == 0 && t.more > 0 {
		blocks = append(blocks, page.Block{Text: t.title})
	}
	blocks = append(blocks, tableBlock(t)...)
	var lines []string
	for _, p := range w.atRisk(spaces) {
		lines = append(lines, w.riskLine(p)+w.denied(p))
	}
	if len(lines) > 0 {
		blocks = append(blocks, page.Block{List: lines})
	}
	return append(blocks, tableBlock(w.destinations())...)
}

// denied says which programs found no port in the space.
func (w *writer) denied(p *snapshot.PortSpace) string {
	victims := p.VictimsByProgram()
	var names []string
	for i := range victims[:min(len(victims), topHolders)] {
		v := &victims[i]
		names = append(names, phrase.ProgramVictim(v)+", last at "+phrase.Time(v.Last, time.TimeOnly))
	}
	if len(names) == 0 {
		return ""
	}
	return "; no port for " + strings.Join(names, "; ")
}

// tableBlock returns a table for a page, nothing if it has no rows.
func tableBlock(t table) []page.Block {
	if len(t.rows) == 0 {
		return nil
	}
	t.tidy()
	out := &page.Table{Title: t.title, Head: t.head, Rows: t.rows}
	for i := range t.head {
		out.Left = append(out.Left, t.isLeft(i))
	}
	if t.more > 0 {
		out.More = fmt.Sprintf("and %d more", t.more)
	}
	return []page.Block{{Table: out}}
}
