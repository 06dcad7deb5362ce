package report

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// processGroup is the sum of the processes of one executable, container or unit.
type processGroup struct {
	Name       string `json:"name"`       // empty for the processes in none
	Executable string `json:"executable"` // of a program, whose name can be that of another one
	Script     string `json:"script"`     // likewise
	Parent     uint32 `json:"parent_pid"` // of a group by parent
	Unknown    bool   `json:"unknown"`    // the sockets without a known owner
	Processes  int    `json:"processes"`  // how many
	counts
	rates
	First        string `json:"first"`
	Last         string `json:"last"`
	Destinations []pair `json:"destinations"`
}

func newGroup(g *snapshot.ProcessGroup) processGroup {
	return processGroup{
		Name: g.Name, Executable: g.Executable, Script: g.Script, Parent: g.Parent.PID, Unknown: g.Unknown, Processes: members(g), counts: newCounts(&g.Totals), rates: newRates(g.Rates),
		First: formatTime(g.First), Last: formatTime(g.Last), Destinations: convert(g.Destinations, newPair),
	}
}

// members returns the number of processes, 0 for the group of unknown ones.
func members(g *snapshot.ProcessGroup) int {
	if g.Unknown {
		return 0
	}
	return g.Processes()
}

// grouping returns how the processes are grouped.
func (w *writer) grouping() snapshot.Grouping { return cmp.Or(w.By, snapshot.ByProgram) }

func (w *writer) groups(by snapshot.Grouping) table {
	t := w.totalsTable([]string{string(by)}, nil)
	t.head = slices.Insert(t.head, 1, "processes")
	groups := slices.DeleteFunc(snapshot.GroupProcesses(w.s, by), func(g snapshot.ProcessGroup) bool { return idle(&g.Totals) && !w.Verbose })
	for _, g := range groups[:min(len(groups), w.rows())] {
		t.add(append([]string{groupName(&g, by), memberCount(&g)}, totalCells(&g.Totals, g.Rates)...)...)
	}
	if other := snapshot.OtherGroup(w.s); other != nil {
		t.add(append([]string{"all others", ""}, totalCells(&other.Totals, other.Rates)...)...)
	}
	t.title, t.more = "Processes by "+string(by), w.more(len(groups))
	return t
}

func memberCount(g *snapshot.ProcessGroup) string {
	if g.Unknown {
		return phrase.Unknown
	}
	return phrase.Grouped(g.Processes())
}

func groupName(g *snapshot.ProcessGroup, by snapshot.Grouping) string {
	name := g.Name
	switch {
	case g.Unknown:
		return "unknown"
	case by == snapshot.ByContainer:
		name = shortID(name)
	}
	return cmp.Or(name, "in no "+string(by))
}
