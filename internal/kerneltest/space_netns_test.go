package kerneltest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Namespaces with the same addresses, ports and range share nothing else.
func TestSpacesApart(t *testing.T) {
	const ports, few, tries = 64, 3, 40
	full, spare := loopbackNet(t, ports, loopV4), loopbackNet(t, ports, loopV4)
	w := traceSpaces(t, full, spare)
	to := []netip.AddrPort{loopV4}
	filler := spawn(t, full, "filler", &lab.Client{To: to, Count: ports, Talk: true, Hold: true})
	user := spawn(t, spare, "user", &lab.Client{To: to, Count: few, Talk: true, Hold: true})
	wantCounts(t, counted(t, filler), ports, 0)
	wantCounts(t, counted(t, user), few, 0)
	victim := run(t, full, "victim", &lab.Client{To: to, Count: tries})
	w.awaitRow("all failures", loopID(full, loopV4), func(p *snapshot.PortSpace) bool { return p.Exhausted == tries })
	for range 2 { // by the events, and after a scan
		snap := w.snapshot()
		row, other := rowOf(snap, loopID(full, loopV4)), rowOf(snap, loopID(spare, loopV4))
		if row == nil || other == nil {
			t.Fatalf("%s, %s", spaceText(row), spaceText(other))
		}
		if got := holders(row); row.Live != ports || !row.IsFull() || len(got) != 1 || got[filler.PID()] != ports {
			t.Errorf("held by %v: %s", got, spaceText(row))
		}
		if len(row.Victims) != 1 || row.Victims[0].Proc.ID.PID != uint32(victim.PID) {
			t.Errorf("victims: %+v", row.Victims)
		}
		if got := holders(other); other.InUse() != few || other.Headroom() != ports-few || len(got) != 1 || got[user.PID()] != few {
			t.Errorf("held by %v: %s", got, spaceText(other))
		}
		if other.Exhausted != 0 || len(other.Victims) != 0 || !other.FullSince.IsZero() {
			t.Errorf("a space that is not exhausted: %+v", other)
		}
		w.awaitScans(full, spare)
	}
	release(t, filler)
	release(t, user)
}

// The inode of a namespace that has ended is given to the next one. What was known of the
// ports of the first is not true of the second.
func TestSpacesOfNextNetns(t *testing.T) {
	const ports, tries = 64, 200
	first := newNetns(t)
	narrow(t, first, ports)
	server := serve(t, first, lab.Echo, loopV4)
	w := traceSpaces(t)
	bound := spawn(t, first, "binder", &lab.Binder{Socket: lab.Socket{Bind: at(loopV4, 0)}})
	r := run(t, first, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: ports - 1, Talk: true})
	wantCounts(t, counted(t, bound), 1, 0)
	wantCounts(t, r, ports-1, 0)
	w.awaitRow("buckets", loopID(first, loopV4), func(p *snapshot.PortSpace) bool { return p.TimeWait == ports-1 && p.Bound == 1 })
	bound.Stop()
	server.Stop()
	noError(t, first.Close())
	// The kernel removes it some time later. The namespaces that are made meanwhile stay, so that
	// their inodes are not given out instead.
	next := newNetns(t)
	for left := tries; left > 0 && next.Inode() != first.Inode(); left-- {
		time.Sleep(100 * time.Millisecond)
		next = newNetns(t)
	}
	if next.Inode() != first.Inode() {
		t.Skipf("no namespace got the inode %d in %d tries", first.Inode(), tries)
	}
	narrow(t, next, ports)
	serve(t, next, lab.Echo, loopV4)
	w.awaitScans(next)
	if row := rowOf(w.snapshot(), loopID(next, loopV4)); row != nil && row.InUse() != 0 {
		t.Errorf("in the next namespace: %s", spaceText(row))
	}
	w.withTable(func(table *portspace.Table) {
		if space := table.Find(loopID(next, loopV4)); headroom(space) != ports {
			t.Errorf("the next namespace has a headroom of %d: %s", headroom(space), takenText(space))
		}
	})
}
