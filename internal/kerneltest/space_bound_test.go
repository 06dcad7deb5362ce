package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// loopID names the space from loopback to a server there.
func loopID(n *lab.Netns, to netip.AddrPort) portspace.ID {
	e := endpoint(to)
	return portspace.ID{Netns: n.Inode(), Local: e.Addr, Remote: e}
}

// Ports that are bound before connect() are taken from every destination, also from those
// that the binder does not connect to.
func TestEarlyBinder(t *testing.T) {
	const ports, tries = 64, 50
	binders, victims := loopV4, at(loopV4, 81)
	n := loopbackNet(t, ports, binders, victims)
	w := traceSpaces(t, n)
	binder := spawn(t, n, "binder", &lab.Client{
		Socket: lab.Socket{Bind: at(loopV4, 0)}, To: []netip.AddrPort{binders}, Count: ports, Talk: true, Hold: true,
	})
	wantCounts(t, counted(t, binder), ports, 0)
	victim := run(t, n, "victim", &lab.Client{To: []netip.AddrPort{victims}, Count: tries})
	wantCounts(t, victim, 0, tries)

	row := w.awaitRow("all failures", loopID(n, victims), func(p *snapshot.PortSpace) bool { return p.Exhausted == tries })
	if row.Bound != ports || row.InUse() != ports || row.Capacity != ports || !row.IsFull() || row.FullSince.IsZero() {
		t.Errorf("the victim's space: %s, full since %s", spaceText(row), row.FullSince)
	}
	if f := row.Forecast; !f.Known || f.Never || f.ETA != 0 {
		t.Errorf("when it will be full: %s", phrase.Forecast(&f))
	}
	checkOnlyHolder(t, row, binder.PID(), snapshot.Holder{HeldCount: snapshot.HeldCount{Bound: ports}})
	if len(row.Victims) != 1 || row.Victims[0].Proc.ID.PID != uint32(victim.PID) || row.Victims[0].Proc.Comm != "victim" || row.Victims[0].Failures != tries {
		t.Errorf("victims: %+v", row.Victims)
	}

	// Its buckets keep the ports when it has ended.
	release(t, binder)
	again := run(t, n, "again", &lab.Client{To: []netip.AddrPort{victims}, Count: tries})
	wantCounts(t, again, 0, tries)
	row = w.awaitRow("all failures", loopID(n, victims), func(p *snapshot.PortSpace) bool { return p.Exhausted == 2*tries })
	if row.TimeWait != ports || row.Bound != 0 || !row.IsFull() {
		t.Errorf("behind the binder: %s", spaceText(row))
	}
	checkOnlyHolder(t, row, binder.PID(), snapshot.Holder{HeldCount: snapshot.HeldCount{TimeWait: ports}})
	w.awaitScans(n)
	row = rowOf(w.snapshot(), loopID(n, victims))
	if row == nil || row.TimeWait != ports || row.Bound != 0 {
		t.Fatalf("after a scan: %s", spaceText(row))
	}
	checkOnlyHolder(t, row, binder.PID(), snapshot.Holder{HeldCount: snapshot.HeldCount{TimeWait: ports}})
}

// checkOnlyHolder checks that one process has all ports, in that class.
func checkOnlyHolder(t *testing.T, row *snapshot.PortSpace, pid int, want snapshot.Holder) {
	t.Helper()
	if len(row.Holders) != 1 {
		t.Errorf("holders: %+v", row.Holders)
		return
	}
	h := row.Holders[0]
	if h.Proc.ID.PID != uint32(pid) || h.Proc.Comm != "binder" || h.Bound != want.Bound || h.Ports() != want.Ports() || h.Before != 0 {
		t.Errorf("of %d ports of %d the holder is %+v", want.Ports(), pid, h)
	}
}
