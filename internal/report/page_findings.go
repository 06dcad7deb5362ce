package report

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/page"
	"github.com/porttrace/porttrace/internal/phrase"
)

var severities = map[doctor.Severity]page.Level{doctor.Critical: page.Bad, doctor.Warning: page.Warning, doctor.Info: page.Note}

// findingBlocks has each finding, with all that porttrace doctor prints of it.
func (w *writer) findingBlocks(findings []doctor.Finding) (blocks []page.Block) {
	for i := range findings {
		f := &findings[i]
		blocks = append(blocks, page.Block{Card: &page.Card{
			Level: severities[f.Severity], Title: fmt.Sprintf("%d. %s: %s", i+1, strings.ToUpper(f.Severity.String()), f.Summary),
			Blocks: w.findingParts(f),
		}})
	}
	return blocks
}

func (w *writer) findingParts(f *doctor.Finding) []page.Block {
	blocks := []page.Block{{Text: phrase.Span(f.Since, f.Until, w.s.Wall) + "; " + f.Confidence.Words()}}
	list := func(title string, lines []string) {
		if len(lines) > 0 {
			blocks = append(blocks, page.Block{Heading: title}, page.Block{List: lines})
		}
	}
	list("Evidence", evidenceLines(f.Evidence))
	list("Who suffers", victimLines(f.Victims))
	if len(f.Advice) > 0 {
		blocks = append(blocks, page.Block{Heading: "What to do, least risk first"}, page.Block{Steps: steps(f.Advice)})
	}
	list("What does not help", f.Wrong)
	return append(blocks, page.Block{Text: fmt.Sprintf("More: porttrace explain %s", f.Cause)})
}

func evidenceLines(evidence []doctor.Evidence) (lines []string) {
	for i := range evidence {
		lines = append(lines, evidence[i].Text+moment(evidence[i].At))
	}
	return lines
}

func victimLines(victims []doctor.Victim) (lines []string) {
	for i := range victims[:min(len(victims), maxVictims)] {
		v := &victims[i]
		lines = append(lines, phrase.Sufferer(v.Proc, v.Failures, v.Last))
	}
	if more := len(victims) - maxVictims; more > 0 {
		lines = append(lines, "and "+phrase.Grouped(more)+" more")
	}
	return lines
}

// steps are what to do, with the lines to type.
func steps(list []doctor.Advice) (all []page.Step) {
	for i := range list {
		a := &list[i]
		step := page.Step{Text: a.Action + " [" + a.Safety.Words() + "]"}
		if a.Command != "" {
			step.Blocks = append(step.Blocks, page.Block{Code: phrase.CommandLines(a.Command)})
		}
		var facts []page.Fact
		for _, f := range []page.Fact{{Name: "effect", Text: a.Effect}, {Name: "risk", Text: a.Risk}} {
			if f.Text != "" {
				facts = append(facts, f)
			}
		}
		if len(facts) > 0 {
			step.Blocks = append(step.Blocks, page.Block{Facts: facts})
		}
		if a.Undo != "" {
			step.Blocks = append(step.Blocks, page.Block{Text: "undo"}, page.Block{Code: phrase.CommandLines(a.Undo)})
		}
		all = append(all, step)
	}
	return all
}

// effectBlocks compares what each change does to the load that was seen.
func effectBlocks(findings []doctor.Finding) []page.Block {
	t := table{head: []string{"finding", "change", "risk", "effect"}}
	t.left = "finding change risk effect"
	for i := range findings {
		for _, a := range findings[i].Advice {
			if a.Effect != "" {
				t.add(fmt.Sprintf("%d. %s", i+1, findings[i].Cause), a.Action, a.Safety.Words(), a.Effect)
			}
		}
	}
	return tableBlock(t)
}
