package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// processRow returns the row of a process, an empty one if it has none.
func processRow(s *snapshot.Snapshot, pid int) *snapshot.Process {
	for i := range s.Processes {
		if p := &s.Processes[i]; p.Info.ID.PID == uint32(pid) {
			return p
		}
	}
	return &snapshot.Process{}
}

// destinationRow returns the row of a destination, an empty one if it has none.
func destinationRow(s *snapshot.Snapshot, n *lab.Netns, to netip.AddrPort) *snapshot.Destination {
	for i := range s.Destinations {
		if d := &s.Destinations[i]; d.Netns == n.Inode() && d.Remote == endpoint(to) {
			return d
		}
	}
	return &snapshot.Destination{}
}

// Sockets from before the start are in processes and destinations from the first scan on: a
// leak that goes on, a pool whose peer has closed, early bound ones, a server's accepted
// connections, inside and outside the port range, and TIME_WAIT. What ends is counted as closed.
func TestRowsBeforeStart(t *testing.T) {
	const leaked, pooled, early, waiting, more = 30, 12, 7, 9, 5
	inRange := at(loopV4, firstPort+500)
	n := loopbackNet(t, 1000, loopV4, loopV6, inRange)
	closer := at(loopV4, 83)
	server := serve(t, n, lab.CloseFirst, closer)
	leak := spawn(t, n, "leak", &lab.Client{To: []netip.AddrPort{loopV4}, Count: leaked, Hold: true})
	pool := spawn(t, n, "pool", &lab.Client{To: []netip.AddrPort{closer}, Count: pooled, AwaitPeer: true, Hold: true})
	bound := spawn(t, n, "bound", &lab.Client{Socket: lab.Socket{Bind: at(loopV4, 0)}, To: []netip.AddrPort{inRange}, Count: early, Hold: true})
	for _, p := range []*lab.Proc{leak, pool, bound} {
		counted(t, p)
	}
	run(t, n, "waiting", &lab.Client{To: []netip.AddrPort{loopV6}, Count: waiting, Talk: true})
	w := traceSpaces(t, n)
	w.awaitScans(n)
	late := spawn(t, n, "late", &lab.Client{To: []netip.AddrPort{loopV4}, Count: more, Hold: true})
	counted(t, late)
	w.awaitScans(n)

	snap := w.snapshot()
	checkGauges(t, "the leak", processRow(snap, leak.PID()).Totals, gaugesWanted{live: leaked, before: leaked})
	checkGauges(t, "the pool", processRow(snap, pool.PID()).Totals, gaugesWanted{live: pooled, closeWait: pooled, before: pooled})
	checkGauges(t, "the early binder", processRow(snap, bound.PID()).Totals, gaugesWanted{live: early, before: early})
	checkGauges(t, "the late one", processRow(snap, late.PID()).Totals, gaugesWanted{live: more})
	checkGauges(t, "what both connect to", destinationRow(snap, n, loopV4).Totals, gaugesWanted{live: leaked + more, before: leaked})
	checkGauges(t, "what was connected to", destinationRow(snap, n, loopV6).Totals, gaugesWanted{timeWait: waiting, before: waiting})
	if got := processRow(snap, server.PID()).Live(); got != 0 {
		t.Errorf("the server has %d open outgoing connections", got)
	}

	leak.Stop()
	eventually(t, "the leak has ended", func() bool { return processRow(w.snapshot(), leak.PID()).Live() == 0 })
	snap = w.snapshot()
	row := processRow(snap, leak.PID())
	if row.ClosesOut+uint64(row.EndedUnseen) != leaked || row.Opens != 0 || row.LiveBefore != leaked {
		t.Errorf("%d of %d have closed, %d unseen, %d were opened", row.ClosesOut, row.LiveBefore, row.EndedUnseen, row.Opens)
	}
	if row.EndedUnseen != 0 {
		w.allowSkipped(t, []string{"closes were missed"})
	}
}

type gaugesWanted struct{ live, closeWait, timeWait, before int64 }

func checkGauges(t *testing.T, who string, got snapshot.Totals, want gaugesWanted) {
	t.Helper()
	if is := (gaugesWanted{got.Live(), got.CloseWait, got.TimeWaitOut, got.BeforeStart}); is != want {
		t.Errorf("%s: live, CLOSE_WAIT, TIME_WAIT, before start are %+v, want %+v", who, is, want)
	}
}

// A server's backlog of connections that its peers have closed is in its row, wherever its
// port is and whoever came first.
func TestAcceptedBeforeStart(t *testing.T) {
	const inside, outside = 6, 11
	inRange := at(loopV4, firstPort+500)
	n := newNetns(t)
	narrow(t, n, 1000)
	server := serve(t, n, lab.NeverClose, loopV4, inRange)
	run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: outside, Talk: true})
	run(t, n, "client", &lab.Client{To: []netip.AddrPort{inRange}, Count: inside, Talk: true})
	held := inState(t, n, lab.CloseWait)
	w := traceSpaces(t, n)
	w.awaitScans(n)
	if row := processRow(w.snapshot(), server.PID()); held != inside+outside || row.CloseWait != int64(held) || row.BeforeStart < int64(held) {
		t.Errorf("the server has %d in CLOSE_WAIT, %d before start; the kernel has %d", row.CloseWait, row.BeforeStart, held)
	}
	run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4, inRange}, Count: 8, Talk: true})
	w.awaitScans(n)
	held = inState(t, n, lab.CloseWait)
	if row := processRow(w.snapshot(), server.PID()); row.CloseWait != int64(held) {
		t.Errorf("8 later: %d in CLOSE_WAIT, the kernel has %d", row.CloseWait, held)
	}
	server.Stop()
	eventually(t, "none is left", func() bool { return w.snapshot().Totals.CloseWait == 0 })
}

// Closes that no event shows are found by the next scan: the rows agree with the kernel. A
// namespace that ends takes its sockets along without an event.
func TestRowsOfNamespaceThatEnds(t *testing.T) {
	const open = 20
	n, m := newNetns(t), newNetns(t)
	for _, one := range []*lab.Netns{n, m} {
		serve(t, one, lab.Echo, loopV4)
	}
	w := traceSpaces(t, n, m)
	client := spawn(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: open, Hold: true})
	counted(t, client)
	other := spawn(t, m, "other", &lab.Client{To: []netip.AddrPort{loopV4}, Count: open, Hold: true})
	counted(t, other)
	w.awaitScans(n, m)
	client.Stop()
	noError(t, n.Close())
	snap := w.awaitSnapshot("a row that is marked", func(s *snapshot.Snapshot) bool { return destinationRow(s, n, loopV4).NetnsGone })
	if row := destinationRow(snap, n, loopV4); row.Opens != open || row.Live() != 0 || row.TimeWaitOut != 0 {
		t.Errorf("the row of the namespace that is gone: %+v", row.Totals)
	}
	if row := destinationRow(snap, m, loopV4); row.NetnsGone || row.Live() != open {
		t.Errorf("the row of the other: %+v, gone: %v", row.Totals, row.NetnsGone)
	}
}
