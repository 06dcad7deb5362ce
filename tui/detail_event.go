package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// eventDetail is one event in full.
type eventDetail struct {
	followed[snapshot.RecentEvent, eventKey]
}

func (d *eventDetail) title() string { return d.row.Kind.String() }

func (d *eventDetail) about() *about {
	return &about{netns: []uint32{d.row.Netns}, procs: []event.ProcID{d.row.Proc}, remote: d.row.Dst, local: d.row.Src.Addr}
}

func (d *eventDetail) write(to *sheet) {
	e, s := d.row, d.snapshot
	to.field("event", e.Kind.String(), eventTone(&e.Event))
	to.field("time", phrase.Time(s.Clock.WallTime(e.Time), "2006-01-02 15:04:05.000000 MST"), plain)
	to.field("addresses", export.Addresses(&e.Event), plain)
	to.field("detail", printable.String(export.Detail(&e.Event, export.Context{Process: e.Process, Netns: e.NetnsName, Clock: s.Clock})), plain)
	if e.Kind == event.Close {
		to.field("lived", phrase.ShortDuration(time.Duration(e.Duration)), plain)
	}
	to.field("namespace", phrase.Netns(e.NetnsName, e.Netns), plain)
	to.section("Leads to")
	to.link("process", process(e.Proc, e.Process.Program(), to.width), plain, e.Proc, func() subject { return processOf(s, e.Proc) })
	if e.Dst.Known() {
		pair := &snapshot.Pair{Netns: e.Netns, Proto: e.Proto, Remote: e.Dst}
		to.link("destination", remoteEnd(e.Proto, e.Dst, to.width), plain, keyOfPair(pair), func() subject { return towards(s, pair) })
	}
}
