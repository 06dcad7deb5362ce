package kerneltest

import (
	"math"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// netnsRow returns the row of a namespace when it is as wanted.
func (w *spaceTrace) netnsRow(what string, n *lab.Netns, wanted func(*snapshot.Namespace) bool) (row snapshot.Namespace) {
	w.t.Helper()
	w.awaitSnapshot(what, func(s *snapshot.Snapshot) bool {
		found := s.Namespace(n.Inode())
		if found != nil {
			row = *found
		}
		return found != nil && wanted(found)
	})
	return row
}

// Connections without TCP timestamps leave buckets that nothing reuses, whatever tcp_tw_reuse
// is, and whichever end has none: those before the trace as well.
func TestWithoutTimestamps(t *testing.T) {
	t.Parallel() // it mostly waits
	off := func(n *lab.Netns) { noError(t, n.Sysctl("ipv4/tcp_timestamps", "0")) }
	for name, end := range map[string]netip.AddrPort{"v4": loopV4, "v6": loopV6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetns(t)
			off(n)
			testWithoutTimestamps(t, n, n, loopID(n, end))
		})
	}
	for name, end := range map[string]netip.AddrPort{"peer v4": serverV4, "peer v6": serverV6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t)
			off(server)
			id := portspace.ID{Netns: client.Inode(), Local: event.AddrFrom(clientAddrs[0].Addr()), Remote: endpoint(end)}
			if end.Addr().Is6() {
				id.Local = event.AddrFrom(clientAddrs[1].Addr())
			}
			testWithoutTimestamps(t, client, server, id)
		})
	}
}

func testWithoutTimestamps(t *testing.T, n, server *lab.Netns, id portspace.ID) {
	const ports, tries, before = 64, 160, 10
	to := netip.AddrPortFrom(id.Remote.Addr.IP(), id.Remote.Port)
	narrow(t, n, ports)
	serve(t, server, lab.Echo, to)
	noError(t, n.Sysctl("ipv4/tcp_tw_reuse", "1"))
	connect := func(name string, count, succeed int) {
		t.Helper()
		wantCounts(t, run(t, n, name, &lab.Client{To: []netip.AddrPort{to}, Count: count, Talk: true}), succeed, count-succeed)
	}
	connect("before", before, before)
	spawn(t, n, "resident", &lab.Binder{For: jobLimit})
	w := traceSpaces(t, n)
	w.awaitScans(n)
	check := func(what string, buckets int) {
		t.Helper()
		time.Sleep(1200 * time.Millisecond) // what is tested: a bucket that old could be reused
		row := rowOf(w.snapshot(), id)
		if row == nil || row.TimeWait != buckets || row.Reusable != 0 || row.Unstamped != buckets {
			t.Fatalf("%s: %s, %+v", what, spaceText(row), row)
		}
	}
	check("found", before)
	connect("client", tries, ports-before)
	check("closed", ports)
	row := rowOf(w.snapshot(), id)
	if !row.IsFull() || row.FullSince.IsZero() || math.Abs(row.Sustainable-1.04) > 0.01 {
		t.Errorf("%s, %f/s", spaceText(row), row.Sustainable)
	}
	w.awaitScans(n)
	check("scanned", ports)
}

// A bind() of another address takes a port that could be reused, at once.
func TestBoundAfterTimeWait(t *testing.T) {
	const ports = 32
	n := loopbackNet(t, ports, loopV4)
	noError(t, n.Sysctl("ipv4/tcp_tw_reuse", "2"))
	w := traceSpaces(t, n)
	w.awaitScans(n)
	wantCounts(t, run(t, n, "plain", &lab.Client{To: []netip.AddrPort{loopV4}, Count: ports, Talk: true}), ports, 0)
	row := w.awaitRow("reusable ports", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Reusable == ports })
	if row.IsFull() || !row.FullSince.IsZero() {
		t.Errorf("before the bind(): %s, full since %s", spaceText(row), row.FullSince)
	}
	began := time.Now()
	source := netip.MustParseAddrPort("127.32.0.1:0")
	bound := run(t, n, "bound", &lab.Client{Socket: lab.Socket{Bind: source}, To: []netip.AddrPort{loopV4}, Count: ports, Talk: true})
	wantCounts(t, bound, ports, 0)
	wantCounts(t, run(t, n, "plain", &lab.Client{To: []netip.AddrPort{loopV4}, Count: 5}), 0, 5)
	row = w.awaitRow("the failures", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Exhausted == 5 })
	if row.Reusable != 0 || !row.IsFull() || row.FullSince.Before(began.Add(-50*time.Millisecond)) || row.Peak != ports {
		t.Errorf("after the bind() of %s: %s, full since %s, peak %d", began, spaceText(row), row.FullSince, row.Peak)
	}
}

// The kernel makes no more buckets than tcp_max_tw_buckets, and counts those that it refuses.
func TestRefusedBuckets(t *testing.T) {
	const ports, limit, opens = 128, 32, 300
	n := loopbackNet(t, ports, loopV4)
	noError(t, n.Sysctl("ipv4/tcp_tw_reuse", "0"), n.Sysctl("ipv4/tcp_max_tw_buckets", "32"))
	w := traceSpaces(t, n)
	w.awaitScans(n)
	// All within a second: no scan corrects the count in time.
	wantCounts(t, run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: opens, Talk: true}), opens, 0)
	row := w.awaitRow("all connections", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Opens == opens && p.Live == 0 })
	if row.TimeWait != limit || row.IsFull() || row.Peak > limit+2 || kernelBuckets(t, n).all != limit {
		t.Errorf("%s, peak %d; the kernel has %d", spaceText(row), row.Peak, kernelBuckets(t, n).all)
	}
	counters, err := n.Netstat()
	noError(t, err)
	refused := counters["TcpExt.TCPTimeWaitOverflow"]
	if refused == 0 {
		t.Error("the kernel has refused nothing")
	}
	shown := w.netnsRow("the refused buckets", n, func(row *snapshot.Namespace) bool { return row.Refused >= refused })
	if shown.Refused != refused || !shown.RefusedKnown || shown.MaxTimeWait != limit {
		t.Errorf("%d are shown as refused of at most %d, the kernel counts %d", shown.Refused, shown.MaxTimeWait, refused)
	}
}

// The bucket of an orphan whose peer does not close lives for tcp_fin_timeout, and is shown as
// what it is.
func TestFinTimeout(t *testing.T) {
	t.Parallel()                                                      // it mostly waits
	const ports, count, seconds, timeout = 64, 20, 8, 8 * time.Second // less is too short beside other tests
	n := newNetns(t)
	narrow(t, n, ports)
	serve(t, n, lab.NeverClose, loopV4)
	noError(t, n.Sysctl("ipv4/tcp_fin_timeout", strconv.Itoa(seconds)))
	w := traceSpaces(t, n)
	w.awaitScans(n)
	wantCounts(t, run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: count, Talk: true}), count, 0)
	row := w.awaitRow("the buckets", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.TimeWait == count && p.FinWait2 == count })
	for second, releases := range row.Expiring {
		if releases > 0 && second > int(timeout/time.Second) {
			t.Errorf("%v ports are released in the next seconds", row.Expiring)
			break
		}
	}
	time.Sleep(timeout / 2) // so that the next ones outlive these
	wantCounts(t, run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: count, Talk: true}), count, 0)
	const least, most = 0.9 * ports / seconds, 1.05 * ports / seconds // and not ports / 60 s: no TIME_WAIT comes after
	w.awaitRow("the rate that tcp_fin_timeout gives", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return least <= p.Sustainable && p.Sustainable <= most })
	time.Sleep(timeout + time.Second) // what is tested: the buckets end
	if left := kernelBuckets(t, n).all; left != 0 {
		t.Fatalf("the kernel has %d", left)
	}
	if row := rowOf(w.snapshot(), loopID(n, loopV4)); row != nil && row.TimeWait != 0 {
		t.Errorf("after tcp_fin_timeout: %s", spaceText(row))
	}
	if shown := w.netnsRow("the setting", n, func(*snapshot.Namespace) bool { return true }); shown.FinTimeout != timeout {
		t.Errorf("tcp_fin_timeout is shown as %s", shown.FinTimeout)
	}
}

// The ports of an early binder are in one class, towards whichever destination.
func TestEarlyBindManyEnds(t *testing.T) {
	const ports, count = 128, 64
	to := []netip.AddrPort{loopV4, at(loopV4, 81), at(loopV4, 82), at(loopV4, 83)}
	n := loopbackNet(t, ports, to...)
	w := traceSpaces(t, n)
	w.awaitScans(n)
	binder := spawn(t, n, "binder", &lab.Client{Socket: lab.Socket{Bind: at(loopV4, 0)}, To: to, Count: count, Talk: true, Hold: true})
	wantCounts(t, counted(t, binder), count, 0)
	release(t, binder)
	check := func(what string) {
		t.Helper()
		for _, end := range to {
			row := w.awaitRow(what, loopID(n, end), func(p *snapshot.PortSpace) bool { return p.Live == 0 })
			if row.TimeWait != count || row.Bound != 0 || row.Reusable != 0 || row.Peak != count {
				t.Errorf("%s, towards %s: %s, peak %d", what, end, spaceText(row), row.Peak)
			}
			for _, h := range row.Holders {
				if h.TimeWait != count || h.Bound != 0 {
					t.Errorf("%s, towards %s: held are %+v", what, end, h)
				}
			}
		}
		w.withTable(func(table *portspace.Table) {
			if o := table.BindOccupancy(portspace.BindID{Netns: n.Inode(), Local: endpoint(loopV4).Addr}); o.TimeWait != count || o.Bound != 0 {
				t.Errorf("%s, for bind(): %+v", what, o)
			}
		})
		if row := w.netnsRow(what, n, func(*snapshot.Namespace) bool { return true }); row.Bound != 0 {
			t.Errorf("%s: %d are bound", what, row.Bound)
		}
	}
	check("closed")
	w.awaitScans(n)
	check("scanned")
}
