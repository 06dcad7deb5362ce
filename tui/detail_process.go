package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// processDetail is one process in full.
type processDetail struct {
	followed[snapshot.Process, event.ProcID]
}

func (d *processDetail) title() string { return process(d.row.Info.ID, d.row.Info.Program(), 60) }

func (d *processDetail) about() *about {
	a := &about{procs: []event.ProcID{d.row.Info.ID}}
	a.addPairs(d.row.Destinations)
	return a
}

func (d *processDetail) write(to *sheet) {
	writeOwner(to, d.snapshot, &d.row.Info)
	writeFiles(to, d.row.Files)
	writeTotals(to, &d.row.Totals, d.row.Rates, d.row.History.Points())
	if n := d.row.EarlyBinds; n > 0 {
		to.field("early binds", phrase.Plural(n, "open")+" of a port that bind() had chosen: no other connection can have that port, whatever its destination", plain)
	}
	if len(d.row.Destinations) > 0 {
		to.section("Destinations, most opens first")
		listing(to, pairColumns(false), d.row.Destinations, func(p *snapshot.Pair) (any, func() subject) {
			return keyOfPair(p), func() subject { return towards(d.snapshot, p) }
		})
	}
	writeFailures(to, d.snapshot, false, func(f *snapshot.Failure) bool { return f.Proc.ID == d.row.Info.ID })
	writeLastEvents(to, d.snapshot, &about{procs: []event.ProcID{d.row.Info.ID}})
	writeLifetimes(to, &d.row.Lifetimes)
	writeSeen(to, d.snapshot.Wall, d.row.First, d.row.Last)
}

// writeFiles writes how many files the process has open, if that is known.
func writeFiles(to *sheet, f *event.FileUse) {
	if f == nil {
		return
	}
	text, level := phrase.Grouped(f.Open)+" open, of at most "+phrase.Grouped(f.Limit)+" (RLIMIT_NOFILE)", plain
	if f.NearLimit() {
		text, level = text+": at the limit socket() and accept() fail (EMFILE)", warn
	}
	to.field("files", text, level)
}

// pairColumns are the columns of pairs: their process or their destination, and the totals.
func pairColumns(processes bool) []column[snapshot.Pair] {
	first := column[snapshot.Pair]{title: "DESTINATION", min: 21, max: 50, left: true}
	first.cell = func(p *snapshot.Pair, width int) string { return remoteEnd(p.Proto, p.Remote, width) }
	if processes {
		first.title = "PROCESS"
		first.cell = func(p *snapshot.Pair, width int) string { return process(p.Proc, p.Comm, width) }
	}
	return append([]column[snapshot.Pair]{first}, totalColumns(func(p *snapshot.Pair) *snapshot.Totals { return &p.Totals })...)
}

// writeFailures lists the failures of the subject.
func writeFailures(to *sheet, s *snapshot.Snapshot, withProgram bool, belongs func(*snapshot.Failure) bool) {
	var rows []snapshot.ProgramFailure
	if withProgram {
		for _, f := range snapshot.FailuresByProgram(s) {
			if belongs(&f.Failure) {
				rows = append(rows, f)
			}
		}
	} else {
		for i := range s.Failures {
			if belongs(&s.Failures[i]) {
				rows = append(rows, failureOfProcess(&s.Failures[i]))
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	to.section("Failures")
	now := func() time.Time { return s.Wall }
	listing(to, failureColumns(now, withProgram), rows, func(f *snapshot.ProgramFailure) (any, func() subject) {
		key := keyOfFailure(f)
		return key, func() subject { return failureOf(s, key) }
	})
}

// isConnect reports whether the Target is a destination.
func isConnect(f *snapshot.Failure) bool { return f.Op == event.OpConnect }
