package report

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/compare"
	"github.com/porttrace/porttrace/internal/page"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Baseline is what a report is compared with.
type Baseline struct {
	Name     string // of its file, or the part of the recording
	Snapshot *snapshot.Snapshot
}

// compared returns what is compared, and what differs, the largest differences first.
func (w *writer) compared() (head string, lines []string) {
	b := w.Baseline
	changes := compare.Changes(b.Snapshot, w.s)
	head = fmt.Sprintf("Compared with %s: %s to %s UTC, %.1f s", printable.String(b.Name),
		b.Snapshot.Started.UTC().Format(timeLayout), b.Snapshot.Wall.UTC().Format(timeLayout), b.Snapshot.Elapsed.Seconds())
	if len(changes) == 0 {
		return head, []string{"no difference that is more than chance"}
	}
	shown := changes[:min(len(changes), w.rows())]
	for i := range shown {
		lines = append(lines, phrase.Change(&shown[i]))
	}
	if rest := len(changes) - len(shown); rest > 0 {
		lines = append(lines, "and "+phrase.Grouped(rest)+" more")
	}
	return head, lines
}

func (w *writer) comparison() {
	if w.Baseline == nil {
		return
	}
	head, lines := w.compared()
	w.out.WriteString("\n" + head + "\n")
	for _, line := range lines {
		w.item("  ", line)
	}
}

func (w *writer) comparisonBlocks() []page.Block {
	if w.Baseline == nil {
		return nil
	}
	head, lines := w.compared()
	return []page.Block{{Text: head}, {List: lines}}
}

// baseline is the comparison in JSON.
type baseline struct {
	Name    string   `json:"name"`
	Window  window   `json:"window"`
	Changes []change `json:"changes"` // settings first, then the largest
}

type change struct {
	Kind       string   `json:"kind"` // setting, failures, opens, held, space, lifetime
	Text       string   `json:"text"`
	Program    string   `json:"program"`
	Executable string   `json:"executable"` // of the program
	Script     string   `json:"script"`
	NetnsName  string   `json:"netns_name"`
	Proto      string   `json:"proto"`
	Local      string   `json:"local"` // of a port space
	Addr       string   `json:"addr"`  // the remote end of a port space, the target of a call
	Port       uint16   `json:"port"`
	Reason     string   `json:"reason"`   // of failures
	Setting    string   `json:"setting"`  // its name
	From       string   `json:"from"`     // its value in the baseline
	To         string   `json:"to"`       // and now
	Before     float64  `json:"before"`   // failures and opens per second; ports; seconds of a lifetime
	After      float64  `json:"after"`    // likewise
	Factor     *float64 `json:"factor"`   // after / before; null if there was nothing
	Capacity   int      `json:"capacity"` // of a port space
}

func newBaseline(b *Baseline, s *snapshot.Snapshot) *baseline {
	if b == nil {
		return nil
	}
	return &baseline{Name: b.Name, Window: *newWindow(b.Snapshot), Changes: convert(compare.Changes(b.Snapshot, s), newChange)}
}

func newChange(c *compare.Change) change {
	one := change{
		Kind: string(c.Kind), Text: phrase.Change(c), Program: c.Program.Name, Executable: c.Program.Executable, Script: c.Program.Script,
		NetnsName: c.Netns, Setting: c.Name, From: c.From, To: c.To, Before: c.Before, After: c.After, Capacity: c.Capacity,
	}
	if c.Kind == compare.Setting || c.Kind == compare.Lifetime {
		return one.withFactor(c)
	}
	one.Proto, one.Addr, one.Port = c.Proto.String(), c.Remote.Addr.String(), c.Remote.Port
	switch c.Kind {
	case compare.Failures:
		one.Reason = c.Reason.String()
	case compare.Held, compare.Space:
		one.Local = c.Local.String()
	}
	return one.withFactor(c)
}

func (one change) withFactor(c *compare.Change) change {
	if c.Kind != compare.Setting && c.Before > 0 {
		factor := c.Factor()
		one.Factor = &factor
	}
	return one
}
