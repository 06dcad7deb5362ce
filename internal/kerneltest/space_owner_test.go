package kerneltest

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// ownedTuples maps each pair of ends to the pid that last had it, by the processes' own reports.
type ownedTuples map[[2]netip.AddrPort]int

func (o ownedTuples) add(r lab.Result) {
	for _, try := range r.Tries {
		o[[2]netip.AddrPort{try.Local, try.Remote}] = r.PID
	}
}

// Every TIME_WAIT that the kernel has belongs to the process that made it: one that has
// ended, one that lives, one that took the port over from another's bucket, and a server.
func TestTimeWaitOwners(t *testing.T) {
	const processes, each, taken = 4, 150, 100
	servers := []netip.AddrPort{loopV4, at(loopV4, 81), loopV6}
	closer := at(loopV4, 82)
	n := loopbackNet(t, processes*each, servers...)
	server := serve(t, n, lab.CloseFirst, closer)
	w := traceSpaces(t, n)
	w.awaitScans(n)

	owners, want := ownedTuples{}, 0
	var jobs []lab.Job
	for range processes {
		jobs = append(jobs, &lab.Client{To: servers, Count: each, Talk: true, List: true})
	}
	for _, r := range runAll(t, n, "client", jobs...) {
		owners.add(r)
		want += r.Succeeded
	}
	alive, err := connectHere(n, loopV4, each)
	noError(t, err)
	owners.add(alive)
	r := run(t, n, "client", &lab.Client{To: []netip.AddrPort{closer}, Count: each, AwaitPeer: true, List: true})
	for _, try := range r.Tries {
		owners[[2]netip.AddrPort{closer, try.Local}] = server.PID()
	}
	if want != processes*each || len(alive.Tries) != each || r.Succeeded != each {
		t.Fatalf("%d of %d connections, %d, %+v", want, processes*each, len(alive.Tries), r)
	}
	rest := fmt.Sprintf("%d-%d", 32768+taken, 32768+processes*each-1)
	noError(t, errors.Join(n.Sysctl("ipv4/ip_local_reserved_ports", rest), n.Sysctl("ipv4/tcp_tw_reuse", "1")))
	eventually(t, "buckets that are old enough", func() bool {
		time.Sleep(reuseAge) // what is tested: buckets must be old enough
		r := run(t, n, "heir", &lab.Client{To: []netip.AddrPort{loopV4}, Count: taken, Talk: true, List: true})
		owners.add(lab.Result{PID: r.PID, Tries: successful(r.Tries)})
		return r.Succeeded == taken
	})
	w.checkOwners(n, owners)
	w.awaitScans(n)
	w.checkOwners(n, owners)
}

func successful(tries []lab.Try) (list []lab.Try) {
	for _, try := range tries {
		if try.Op == "" {
			list = append(list, try)
		}
	}
	return list
}

// checkOwners compares the kernel's buckets with the reported owners, and those with the truth.
// On an emulated processor the first buckets have ended by then.
func (w *spaceTrace) checkOwners(n *lab.Netns, owners ownedTuples) {
	w.t.Helper()
	p := openProbe(w.t)
	eventually(w.t, "only buckets", func() bool { return onlyBuckets(w.t, n) })
	w.snapshot() // by now all that had happened has come
	var found event.FoundList
	err := n.Do(func() error {
		_, err := p.Sockets(&found, portspace.Limit, event.PortRange{}, nil)
		return err
	})
	noError(w.t, err)
	cookies := kernelAtLeast(w.t, 6, 1) // before, a socket has one only if a process asked for it
	buckets, wrong, byCookie := 0, 0, 0
	for _, b := range found.All() {
		if b.State != event.StateTimeWait {
			continue
		}
		buckets++
		want := owners[[2]netip.AddrPort{tuple(b.Src), tuple(b.Dst)}]
		owner, cookie := w.ownerOf(n.Inode(), &b)
		if cookie != 0 && cookie == b.Cookie {
			byCookie++
		}
		if owner.PID != uint32(want) || cookies && cookie != b.Cookie {
			if wrong++; wrong < 10 {
				w.t.Errorf("%s > %s belongs to %d, cookie %d; reported is %d, cookie %d", b.Src, b.Dst, want, b.Cookie, owner.PID, cookie)
			}
		}
	}
	w.t.Logf("%d buckets of %d, %d joined by their cookies, %d wrongly", buckets, len(owners), byCookie, wrong)
	if buckets < len(owners)/4 {
		w.t.Errorf("of %d buckets %d are left", len(owners), buckets)
	}
	if cookies && byCookie != buckets {
		w.t.Errorf("%d of %d have the cookie of their connection", byCookie, buckets)
	}
}

// onlyBuckets reports whether no connection is left.
func onlyBuckets(t testing.TB, n *lab.Netns) bool {
	t.Helper()
	for _, s := range sockets(t, n) {
		if s.State != lab.Listen && s.State != lab.TimeWait {
			return false
		}
	}
	return true
}

func tuple(e event.Endpoint) netip.AddrPort { return netip.AddrPortFrom(e.Addr.IP(), e.Port) }

// ownerOf returns the reported owner of a bucket: that of an outgoing connection is in a port
// space; that of an accepted one, which takes no port of the range, is in its close.
func (w *spaceTrace) ownerOf(netns uint32, bucket *event.FoundSocket) (owner event.ProcID, cookie uint64) {
	w.withTable(func(table *portspace.Table) {
		id := portspace.ID{Netns: netns, Device: bucket.Device, Local: bucket.Src.Addr, Remote: bucket.Dst}
		for port, s := range table.Find(id).Each() {
			if port == bucket.Src.Port {
				owner, cookie = s.Proc, s.Cookie
			}
		}
	})
	if owner.Known() {
		return owner, cookie
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var closed event.Time
	for i := range w.events { // one that waited for the peer's FIN is reported late
		e := &w.events[i]
		if e.Kind == event.Close && e.Direction == event.In && e.Src == bucket.Src && e.Dst == bucket.Dst && e.Time > closed {
			closed, owner, cookie = e.Time, e.Proc, e.Cookie
		}
	}
	return owner, cookie
}

// A program that wants the 4-tuples of others fails, again and again, and takes none of their
// ports, also of connections from before the start.
func TestTuplesStayWithTheirOwners(t *testing.T) {
	for _, tc := range []struct {
		name   string
		end    netip.AddrPort
		before bool // than the trace
	}{
		{"v4", loopV4, false}, {"v6", loopV6, false}, {"before the start", loopV4, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testTuplesStay(t, tc.end, tc.before)
		})
	}
}

func testTuplesStay(t *testing.T, end netip.AddrPort, before bool) {
	const tuples, tries = 20, 3
	n := newNetns(t)
	narrow(t, n, 64)
	serve(t, n, lab.Echo, end)
	client := func(i int) lab.Client {
		socket := lab.Socket{Bind: at(end, uint16(firstPort+i)), ReuseAddr: true}
		return lab.Client{Socket: socket, To: []netip.AddrPort{end}, Count: tries}
	}
	owners := ownedTuples{}
	connect := func() {
		for i := range tuples {
			c := client(i)
			c.Count, c.Hold, c.List = 1, true, true
			owners.add(counted(t, spawn(t, n, "pod", &c)))
		}
	}
	if before {
		connect()
	}
	w := traceSpaces(t, n)
	w.awaitScans(n)
	if !before {
		connect()
	}
	for i := range tuples {
		c := client(i)
		wantCounts(t, run(t, n, "envoy", &c), 0, tries)
	}
	check := func(what string) {
		t.Helper()
		held := ownedTuples{}
		w.withTable(func(table *portspace.Table) {
			for port, socket := range table.Find(loopID(n, end)).Each() {
				held[[2]netip.AddrPort{at(end, port), end}] = int(socket.Proc.PID)
			}
		})
		if !maps.Equal(held, owners) {
			t.Errorf("%s, the ports are held by %v, want %v", what, held, owners)
		}
		if row := rowOf(w.snapshot(), loopID(n, end)); !before && (row == nil || row.Live != tuples || row.Opens != tuples || row.Peak != tuples) {
			t.Errorf("%s: %s, %+v", what, spaceText(row), row)
		}
	}
	w.awaitSnapshot("the failures", func(s *snapshot.Snapshot) bool {
		failed := uint64(0)
		for i := range s.Failures {
			if f := &s.Failures[i]; f.Netns == n.Inode() && f.Reason == event.TupleTaken {
				failed += f.Count
			}
		}
		return failed == tuples*tries
	})
	check("after the failures")
	w.awaitScans(n)
	check("after a scan")
}
