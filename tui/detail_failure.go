package tui

import (
	"cmp"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// failureDetail is one kind of failure in full.
type failureDetail struct {
	followed[snapshot.Failure, failureKey]
}

func (d *failureDetail) title() string {
	return strings.TrimSpace(d.row.Op.String() + " " + phrase.Errno(d.row) + " " + reason(d.row))
}

func (d *failureDetail) about() *about {
	f := d.row
	a := &about{netns: []uint32{f.Netns}, procs: []event.ProcID{f.Proc.ID}, local: f.Local.Addr, causes: causesOf(f.Reason)}
	if isConnect(f) {
		a.remote = f.Target
	} else {
		a.local, a.port = f.Target.Addr, f.Target.Port
	}
	return a
}

func (d *failureDetail) write(to *sheet) {
	f := d.row
	to.field("call", cmp.Or(f.Op.String(), phrase.Unknown)+"()", plain)
	to.field("errno", cmp.Or(phrase.Errno(f), phrase.Unknown), plain)
	to.field("reason", cmp.Or(reason(f), phrase.Unknown), failing(f))
	to.field("", phrase.Reason(f.Op, f.Reason), plain)
	d.writeTarget(to)
	to.field("local", failureLocal(f, to.width), plain)
	if h := f.HeldBy; h != nil {
		to.field("held by", phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn), warn)
		to.link("", process(h.Info.ID, h.Info.Comm, to.width), plain, heldBy(h.Info.ID), func() subject { return processOf(d.snapshot, h.Info.ID) })
	}
	to.field("protocol", f.Proto.String(), plain)
	to.field("namespace", phrase.NetnsState(f.NetnsName, f.Netns, f.NetnsGone), plain)
	to.field("count", phrase.Count(f.Count)+", "+phrase.Rate(f.Rate)+"/s", failing(f))
	writeSeen(to, d.snapshot.Wall, f.First, f.Last)
	if names := f.Inferred.Names(); len(names) > 0 {
		to.field("inferred", strings.Join(names, ", ")+": concluded from other events, not observed", plain)
	}
	to.section("Calling process")
	to.link("process", process(f.Proc.ID, f.Proc.Comm, to.width), plain, f.Proc.ID, func() subject { return processOf(d.snapshot, f.Proc.ID) })
	writeOwner(to, d.snapshot, &f.Proc)
}

// writeTarget leads from the target of a connect() to the port space that it takes a port of.
func (d *failureDetail) writeTarget(to *sheet) {
	f := d.row
	name := remoteEnd(f.Proto, f.Target, to.width)
	if !isConnect(f) {
		to.field("target", name, plain)
		return
	}
	pair := &snapshot.Pair{Netns: f.Netns, Proto: f.Proto, Remote: f.Target}
	to.link("target", name, plain, keyOfPair(pair), func() subject { return towards(d.snapshot, pair) })
}

// heldBy names the process that has the port.
type heldBy event.ProcID
