package tui

import (
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/query"
)

// groupTable is the table of processes grouped by executable, container or unit.
type groupTable struct {
	table[snapshot.ProcessGroup, snapshot.GroupKey]
	by   snapshot.Grouping
	made struct { // the rows, of which snapshot, by what
		of   *snapshot.Snapshot
		by   snapshot.Grouping
		rows []snapshot.ProcessGroup
	}
}

func newGroupTable() *groupTable {
	g := &groupTable{}
	g.columns = ordered(g.newColumns(), snapshot.GroupColumns())
	g.order = "open_rate"
	g.source = g.grouped
	g.key = func(row *snapshot.ProcessGroup) snapshot.GroupKey { return row.GroupKey }
	g.fields, g.fillRow = processFields|totalFields, groupRow
	g.state = func(row *snapshot.ProcessGroup) tone { return stateOf(&row.Totals, row.Rates) }
	g.idle = func(row *snapshot.ProcessGroup) bool { return idleTotals(&row.Totals, row.Rates) }
	g.idling, g.urgent = idlingRows, true
	g.detail = func(row followed[snapshot.ProcessGroup, snapshot.GroupKey]) subject {
		if only := g.only(row.row); only != nil {
			return processOf(row.snapshot, only.Info.ID)
		}
		return &groupDetail{row: row.row, snapshot: row.snapshot, by: g.by}
	}
	g.empty, g.traced = noProcesses, true
	return g
}

func (g *groupTable) newColumns() []column[snapshot.ProcessGroup] {
	columns := []column[snapshot.ProcessGroup]{
		{name: "name", title: "GROUP", min: 18, max: 56, left: true, rising: true, cell: g.name},
		{name: "processes", title: "PROCS", rank: 1, min: 7, cell: g.members},
		openRateColumn(func(row *snapshot.ProcessGroup) snapshot.Rates { return row.Rates }),
	}
	columns = append(columns, totalColumns(func(row *snapshot.ProcessGroup) *snapshot.Totals { return &row.Totals })...)
	return append(columns, historyColumn(func(row *snapshot.ProcessGroup) snapshot.History { return row.History }))
}

func (g *groupTable) name(row *snapshot.ProcessGroup, width int) string {
	if row == g.other {
		return "(others)"
	}
	if only := g.only(row); only != nil {
		return programName(new(snapshot.NewProgram(&only.Info)), width)
	}
	return groupName(row.GroupKey, g.by, width)
}

// only returns the process of a program that is one, nil of other groups.
func (g *groupTable) only(row *snapshot.ProcessGroup) *snapshot.Process {
	if g.by == snapshot.ByProgram && len(row.Members) == 1 && row.Past == 0 && row.Members[0].Info.ID.Known() {
		return row.Members[0]
	}
	return nil
}

// members returns the number of processes, unknown for the sum of the rest.
func (g *groupTable) members(row *snapshot.ProcessGroup, _ int) string {
	if row == g.other || row.Unknown {
		return phrase.Unknown
	}
	return phrase.Count(row.Processes())
}

// groupName returns what the processes have in common. Of a long path it is the end.
func groupName(key snapshot.GroupKey, by snapshot.Grouping, width int) string {
	switch {
	case key.Unknown:
		return phrase.UnknownOwner
	case key.Name == "":
		return "(no " + string(by) + ")"
	}
	name := printable.String(key.Name)
	if at := strings.LastIndexByte(name, '/'); by == snapshot.ByExecutable && cells(name) > width && at > 0 {
		return "…" + name[at:]
	}
	return name
}

func (g *groupTable) set(s *snapshot.Snapshot, filter *query.Query) {
	g.show(s, snapshot.OtherGroup(s), filter)
}

// grouped returns the groups of a snapshot. They are made once, and not for each key of a filter.
func (g *groupTable) grouped(s *snapshot.Snapshot) []snapshot.ProcessGroup {
	if m := &g.made; m.of != s || m.by != g.by {
		m.of, m.by, m.rows = s, g.by, snapshot.GroupRows(s, g.by)
	}
	return g.made.rows
}

func (g *groupTable) begin(*snapshot.Snapshot, *verdict.Verdict) {}
