package tui

import (
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/query"
)

// processTable is the table of processes, one by one.
type processTable struct {
	table[snapshot.Process, event.ProcID]
}

func processRows(s *snapshot.Snapshot) []snapshot.Process { return s.Processes }

func keyOfProcess(row *snapshot.Process) event.ProcID { return row.Info.ID }

func newProcessTable() *processTable {
	p := &processTable{}
	p.columns = ordered(p.newColumns(), snapshot.ProcessColumns())
	p.order = "open_rate"
	p.source, p.key = processRows, keyOfProcess
	p.fields, p.fillRow = processFields|totalFields|query.SetOf(query.Dest, query.Port), processRow
	p.state = func(row *snapshot.Process) tone {
		if row.Files != nil && row.Files.NearLimit() && row.Rates.Failures == 0 {
			return warn
		}
		return stateOf(&row.Totals, row.Rates)
	}
	p.idle = func(row *snapshot.Process) bool { return idleTotals(&row.Totals, row.Rates) }
	p.idling, p.urgent = idlingRows, true
	p.detail = func(row followed[snapshot.Process, event.ProcID]) subject { return &processDetail{row} }
	p.empty, p.traced = noProcesses, true
	return p
}

func (p *processTable) newColumns() []column[snapshot.Process] {
	columns := []column[snapshot.Process]{
		{name: "pid", title: "PID", rank: 1, min: 7, rising: true, cell: p.pid},
		{name: "command", title: "PROGRAM", min: 15, max: 24, left: true, rising: true, cell: p.command},
		openRateColumn(func(row *snapshot.Process) snapshot.Rates { return row.Rates }),
	}
	columns = append(columns, totalColumns(func(row *snapshot.Process) *snapshot.Totals { return &row.Totals })...)
	return append(columns,
		historyColumn(func(row *snapshot.Process) snapshot.History { return row.History }),
		column[snapshot.Process]{
			name: "executable", title: "EXE", rank: 15, min: 12, max: 48, left: true, rising: true,
			cell: func(row *snapshot.Process, _ int) string { return printable.String(row.Info.Exe) },
		},
		column[snapshot.Process]{
			name: "group", title: "CONTAINER/UNIT", rank: 17, min: 16, max: 40, left: true, rising: true,
			cell: func(row *snapshot.Process, _ int) string { return printable.String(snapshot.Group(&row.Info)) },
		},
	)
}

func (p *processTable) pid(row *snapshot.Process, _ int) string {
	if !row.Info.ID.Known() {
		return phrase.Unknown
	}
	return strconv.FormatUint(uint64(row.Info.ID.PID), 10)
}

func (p *processTable) command(row *snapshot.Process, _ int) string {
	if row == p.other {
		return "(others)"
	}
	return phrase.ProgramName(&row.Info)
}

// stateOf returns the tone of a row with totals: its calls fail now, or sockets wait for an answer or
// for a close().
func stateOf(t *snapshot.Totals, r snapshot.Rates) tone {
	switch {
	case r.Failures > 0:
		return fail
	case t.SynSent > 0, t.CloseWait > 0:
		return warn
	}
	return plain
}

// idlingRows is what the folded rows with totals have in common.
const idlingRows = "without open sockets, without TIME_WAIT and without activity"

func idleTotals(t *snapshot.Totals, r snapshot.Rates) bool {
	return t.Live() <= 0 && t.TimeWaitOut <= 0 && r == (snapshot.Rates{})
}

// noProcesses is why there are no processes, one by one or in groups.
var noProcesses = [2]string{"no process has opened a connection", "a row appears as soon as one calls connect() or bind()"}

func (p *processTable) set(s *snapshot.Snapshot, filter *query.Query) {
	p.show(s, s.OtherProcesses, filter)
}

func (p *processTable) begin(_ *snapshot.Snapshot, v *verdict.Verdict) {
	p.foremost = nil
	if v.Process.Known() {
		p.foremost = &v.Process
	}
}
