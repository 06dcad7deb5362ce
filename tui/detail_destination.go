package tui

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// destinationDetail is one destination in full.
type destinationDetail struct {
	followed[snapshot.Destination, destinationKey]
}

func (d *destinationDetail) title() string { return destination(d.row, 60) }

func (d *destinationDetail) about() *about {
	a := &about{netns: []uint32{d.row.Netns}, remote: d.row.Remote}
	for i := range d.row.Processes {
		a.procs = append(a.procs, d.row.Processes[i].Proc)
	}
	return a
}

func (d *destinationDetail) write(to *sheet) {
	to.field("destination", destination(d.row, to.width), plain)
	to.field("protocol", cmp.Or(d.row.Proto.String(), phrase.Unknown), plain)
	to.field("namespace", phrase.NetnsState(d.row.NetnsName, d.row.Netns, d.row.NetnsGone), plain)
	writeSeen(to, d.snapshot.Wall, d.row.First, d.row.Last)
	writeTotals(to, &d.row.Totals, d.row.Rates, d.row.History.Points())
	writeSpacesTowards(to, d.snapshot, d.row)
	if len(d.row.Processes) > 0 {
		to.section("Processes that connect to it, most opens first")
		listing(to, pairColumns(true), d.row.Processes, func(p *snapshot.Pair) (any, func() subject) {
			return p.Proc, func() subject { return processOf(d.snapshot, p.Proc) }
		})
	}
	writeFailures(to, d.snapshot, true, func(f *snapshot.Failure) bool {
		return isConnect(f) && f.Target == d.row.Remote && f.Netns == d.row.Netns && f.Proto == d.row.Proto
	})
}
