package tui

import (
	"cmp"
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// failureDetail is all about one way to fail.
type failureDetail struct {
	row      *snapshot.Failure
	snapshot *snapshot.Snapshot
}

func (d *failureDetail) title() string {
	return strings.TrimSpace(d.row.Op.String() + " " + errno(d.row) + " " + reason(d.row))
}

func (d *failureDetail) update(s *snapshot.Snapshot) bool {
	for i := range s.Failures {
		if keyOfFailure(&s.Failures[i]) == keyOfFailure(d.row) {
			d.row, d.snapshot = &s.Failures[i], s
			return true
		}
	}
	return false
}

func (d *failureDetail) write(to *sheet) {
	f := d.row
	to.field("call", cmp.Or(f.Op.String(), unknown)+"()", plain)
	to.field("errno", cmp.Or(errno(f), unknown), plain)
	to.field("reason", cmp.Or(reason(f), unknown), failing(f))
	to.field("", meaning(f.Op, f.Reason), plain)
	to.field("target", endpoint(f.Target, to.width), plain)
	to.field("local", failureLocal(f, to.width), plain)
	to.field("protocol", f.Proto.String(), plain)
	to.field("namespace", netns(f.NetnsName, f.Netns), plain)
	to.field("count", count(f.Count)+", "+rate(f.Rate)+"/s", failing(f))
	writeSeen(to, d.snapshot.Wall, f.First, f.Last)
	if names := f.Inferred.Names(); len(names) > 0 {
		to.field("inferred", strings.Join(names, ", ")+": not seen, but concluded from what was", plain)
	}
	to.section("Whose call it was")
	writeOwner(to, &f.Proc, d.snapshot.Clock)
}
