package report

import (
	"bytes"
	"cmp"

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

func writeGroups(out *bytes.Buffer, s *snapshot.Snapshot, by snapshot.Grouping) {
	t := table{
		head: []string{string(by), "processes", "opens", "opens/s", "live", "time_wait", "failed", "lifetime"},
		left: string(by),
	}
	groups := snapshot.GroupProcesses(s, by)
	for _, g := range top(groups) {
		t.add(append([]string{groupName(&g, by), memberCount(&g)}, totalCells(&g.Totals, g.Rates)...)...)
	}
	if other := snapshot.OtherGroup(s); other != nil {
		t.add(append([]string{"all others", ""}, totalCells(&other.Totals, other.Rates)...)...)
	}
	t.write(out, "Processes by "+string(by), len(groups)-topRows)
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
