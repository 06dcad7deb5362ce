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
	followed[snapshot.ProgramFailure, failureKey]
}

func (d *failureDetail) title() string {
	return strings.TrimSpace(d.row.Op.String() + " " + phrase.Errno(&d.row.Failure) + " " + reason(&d.row.Failure))
}

func (d *failureDetail) about() *about {
	f := d.row
	a := &about{netns: []uint32{f.Netns}, procs: d.processes(), local: f.Local.Addr, causes: causesOf(f.Reason)}
	if isConnect(&f.Failure) {
		a.remote = f.Target
	} else {
		a.local, a.port = f.Target.Addr, f.Target.Port
	}
	return a
}

func (d *failureDetail) write(to *sheet) {
	f := d.row
	to.field("call", cmp.Or(f.Op.String(), phrase.Unknown)+"()", plain)
	to.field("errno", cmp.Or(phrase.Errno(&f.Failure), phrase.Unknown), plain)
	to.field("reason", cmp.Or(reason(&f.Failure), phrase.Unknown), failing(f))
	to.field("", phrase.Reason(f.Op, f.Reason), plain)
	d.writeTarget(to)
	to.field("local", failureLocal(&f.Failure, to.width), plain)
	if h := f.HeldBy; h != nil {
		to.field("held by", phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn), warn)
		to.link("", process(h.Info.ID, h.Info.Comm, to.width), plain, heldByKey(h.Info.ID), func() subject { return processOf(d.snapshot, h.Info.ID) })
	}
	to.field("protocol", f.Proto.String(), plain)
	to.field("namespace", phrase.NetnsState(f.NetnsName, f.Netns, f.NetnsGone), plain)
	to.field("count", phrase.Count(f.Count)+", "+phrase.Rate(f.Rate)+"/s", failing(f))
	writeSeen(to, d.snapshot.Wall, f.First, f.Last)
	if names := f.Inferred.Names(); len(names) > 0 {
		to.field("inferred", strings.Join(names, ", ")+": concluded from other events, not observed", plain)
	}
	to.section("Who calls")
	to.link("program", programName(&f.Program, to.width), plain, f.Program.ProgramKey, func() subject { return programOf(d.snapshot, &f.Program) })
	writeOwner(to, d.snapshot, &f.Proc)
	writeLastEvents(to, d.snapshot, d.about())
}

// processes returns those of the program whose calls failed in this way.
func (d *failureDetail) processes() []event.ProcID {
	ids := []event.ProcID{d.row.Proc.ID}
	key := keyOfFailure(d.row)
	for i := range d.snapshot.Failures {
		f := &d.snapshot.Failures[i]
		if f.Target == key.target && f.Proc.ID != d.row.Proc.ID && keyOfProcessFailure(f) == key { // few have the target
			ids = append(ids, f.Proc.ID)
		}
	}
	return ids
}

// writeTarget leads from the target of a connect() to the port space that it takes a port of.
func (d *failureDetail) writeTarget(to *sheet) {
	f := d.row
	name := targetOf(&f.Failure, to.width)
	if !isConnect(&f.Failure) || !f.TargetKnown() {
		to.field("target", name, plain)
		return
	}
	pair := &snapshot.Pair{Netns: f.Netns, Proto: f.Proto, Remote: f.Target}
	to.link("target", name, plain, keyOfPair(pair), func() subject { return towards(d.snapshot, pair) })
}

// heldByKey names the process that has the port.
type heldByKey event.ProcID
