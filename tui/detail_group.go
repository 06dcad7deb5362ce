package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// groupDetail is one group of processes in full.
type groupDetail struct {
	row      *snapshot.ProcessGroup
	snapshot *snapshot.Snapshot // the newest with the group
	by       snapshot.Grouping  // as it was opened
	towards  *[]snapshot.Pair   // its destinations, once they are needed
}

func (d *groupDetail) update(s *snapshot.Snapshot) bool {
	if s == d.snapshot {
		return true
	}
	row := snapshot.GroupOf(s, d.by, d.row.GroupKey)
	if row == nil {
		return false
	}
	d.row, d.snapshot, d.towards = row, s, nil
	return true
}

// destinations returns those of the group, most opens first.
func (d *groupDetail) destinations() []snapshot.Pair {
	if d.towards == nil {
		d.towards = new(snapshot.DestinationsOf(d.snapshot, d.by, d.row))
	}
	return *d.towards
}

func (d *groupDetail) title() string { return groupName(d.row.GroupKey, d.by, 60) }

func (d *groupDetail) about() *about {
	a := &about{}
	for _, p := range d.row.Members {
		a.procs = append(a.procs, p.Info.ID)
	}
	a.addPairs(d.destinations())
	return a
}

// maxMembers is the number of members listed.
const maxMembers = 100

func (d *groupDetail) write(to *sheet) {
	to.untrusted(string(d.by), groupName(d.row.GroupKey, d.by, 2*to.width))
	to.field("processes", phrase.Count(d.row.Processes()), plain)
	writeSeen(to, d.snapshot.Wall, d.row.First, d.row.Last)
	writeTotals(to, &d.row.Totals, d.row.Rates, d.row.History.Points())
	d.writeMembers(to)
	if pairs := d.destinations(); len(pairs) > 0 {
		to.section("Destinations, most opens first")
		listing(to, pairColumns(false), pairs, func(p *snapshot.Pair) (any, func() subject) {
			return keyOfPair(p), func() subject { return towards(d.snapshot, p) }
		})
	}
	if len(snapshot.FailuresByProgram(d.snapshot)) == 0 {
		return
	}
	members := make(map[event.ProcID]bool, len(d.row.Members))
	for _, p := range d.row.Members {
		members[p.Info.ID] = true
	}
	writeFailures(to, d.snapshot, true, func(f *snapshot.Failure) bool { return members[f.Proc.ID] })
}

func (d *groupDetail) writeMembers(to *sheet) {
	to.section("Processes, most opens first")
	rows := d.row.Members
	listing(to, memberColumns(), rows[:min(len(rows), maxMembers)], func(p **snapshot.Process) (any, func() subject) {
		return (*p).Info.ID, func() subject { return processOf(d.snapshot, (*p).Info.ID) }
	})
	if more := len(rows) - maxMembers; more > 0 {
		to.add(" and " + phrase.Count(more) + " more")
	}
}

func memberColumns() []column[*snapshot.Process] {
	columns := []column[*snapshot.Process]{
		{title: "PROCESS", min: 21, max: 40, left: true, cell: func(p **snapshot.Process, width int) string {
			return process((*p).Info.ID, (*p).Info.Comm, width)
		}},
		openRateColumn(func(p **snapshot.Process) snapshot.Rates { return (*p).Rates }),
	}
	return append(columns, totalColumns(func(p **snapshot.Process) *snapshot.Totals { return &(*p).Totals })...)
}
