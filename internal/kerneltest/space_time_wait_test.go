package kerneltest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// manyBuckets are made towards manyServers.
const (
	manyBuckets = 28_000
	manyServers = 100
)

// serverList returns servers of a serverNet.
func serverList(count int) (list []netip.AddrPort) {
	for i := range count {
		list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, byte(i >> 8), byte(i)}), 80))
	}
	return list
}

// serverNet makes a namespace with a server on each loopback address, in which connect() does
// not reuse the ports of buckets.
func serverNet(t testing.TB) *lab.Netns {
	t.Helper()
	n := newStormNetns(t)
	noError(t, n.Sysctl("ipv4/tcp_tw_reuse", "0"))
	any := netip.AddrPortFrom(netip.IPv4Unspecified(), 80)
	serve(t, n, lab.Echo, any)
	return n
}

// bucketCount is how many TIME_WAIT buckets there are, and in each space.
type bucketCount struct {
	all     int
	bySpace map[portspace.ID]int
}

// kernelBuckets counts those that /proc/net/tcp lists.
func kernelBuckets(t testing.TB, n *lab.Netns) bucketCount {
	t.Helper()
	c := bucketCount{bySpace: map[portspace.ID]int{}}
	for _, s := range sockets(t, n) {
		if s.State == lab.TimeWait || s.State == lab.FinWait2 && s.Inode == 0 {
			c.bySpace[portspace.ID{Netns: n.Inode(), Local: endpoint(s.Local).Addr, Remote: endpoint(s.Remote)}]++
			c.all++
		}
	}
	return c
}

// shownBuckets counts those of a snapshot.
func shownBuckets(s *snapshot.Snapshot, n *lab.Netns) bucketCount {
	c := bucketCount{bySpace: map[portspace.ID]int{}}
	for _, p := range spacesOf(s, n) {
		if p.Kind == snapshot.ConnectSpace {
			c.bySpace[portspace.ID{Netns: p.Netns, Local: p.Local, Remote: p.Remote}] += p.TimeWait
			c.all += p.TimeWait
		}
	}
	return c
}

// bucketLag is how long a bucket may be shown after its end in the kernel: the time of its end
// is known to the second.
const bucketLag = 1500 * time.Millisecond

// Buckets that are older than the trace are shown from the first scan on, in each space as
// many as the kernel has, and end when the kernel's do.
func TestTimeWaitBefore(t *testing.T) {
	t.Parallel() // it mostly waits
	n := serverNet(t)
	r := run(t, n, "before", &lab.Client{To: serverList(manyServers), Count: manyBuckets, Talk: true})
	wantCounts(t, r, manyBuckets, 0)
	before := kernelBuckets(t, n)
	w := traceSpaces(t, n)
	snap := w.awaitSnapshot("the first scan", func(s *snapshot.Snapshot) bool {
		return slices.ContainsFunc(s.Namespaces, func(ns snapshot.Namespace) bool { return ns.Inode == n.Inode() && !ns.LastScan.IsZero() })
	})
	samples, ending := 0, 0
	for began := time.Now(); before.all > 0 && time.Since(began) < jobLimit; samples++ {
		after, shown := kernelBuckets(t, n), shownBuckets(snap, n)
		if samples == 0 {
			t.Logf("shown at first: %d in %d spaces; the kernel had %d, then %d", shown.all, len(shown.bySpace), before.all, after.all)
		}
		if after.all != before.all {
			ending++
			t.Logf("%d to %d buckets, shown are %d", before.all, after.all, shown.all)
		}
		checkBetween(t, shown, before, after)
		before = after
		time.Sleep(bucketLag) // what is tested: no bucket is shown for longer
		snap = w.snapshot()
	}
	if samples < 10 || ending == 0 || before.all > 0 {
		t.Errorf("%d samples, %d while buckets ended, %d are left", samples, ending, before.all)
	}
}

// checkBetween checks that what is shown is between the kernel's counts before and after.
func checkBetween(t *testing.T, shown, before, after bucketCount) {
	t.Helper()
	if shown.all > before.all || shown.all < after.all {
		t.Errorf("%d buckets are shown, the kernel had %d, then %d", shown.all, before.all, after.all)
	}
	wrong := 0
	for id, n := range before.bySpace {
		if got := shown.bySpace[id]; got > n || got < after.bySpace[id] {
			wrong++
		}
	}
	for id := range shown.bySpace {
		if shown.bySpace[id] > 0 && before.bySpace[id] == 0 {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("of %d spaces %d are shown with other counts", len(before.bySpace), wrong)
	}
}
