package kerneltest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// manyBuckets are made towards so many servers.
const (
	manyBuckets = 28_000
	manyServers = 100
)

// serverList are servers of a serverNet.
func serverList(count int) (list []netip.AddrPort) {
	for i := range count {
		list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, byte(i >> 8), byte(i)}), 80))
	}
	return list
}

// serverNet is a namespace with a server on each loopback address, whose buckets live out
// their time.
func serverNet(t testing.TB) *lab.Netns {
	t.Helper()
	n := newStormNetns(t)
	if err := n.Sysctl("ipv4/tcp_tw_reuse", "0"); err != nil {
		t.Fatal(err)
	}
	any := netip.AddrPortFrom(netip.IPv4Unspecified(), 80)
	p, err := n.Serve("server", lab.Server{Listen: []netip.AddrPort{any}, Mode: lab.Echo, For: longest})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return n
}

// bucketCount is how many TIME_WAIT buckets there are, and in each space.
type bucketCount struct {
	all     int
	bySpace map[portspace.ID]int
}

// kernelBuckets are those that /proc/net/tcp lists.
func kernelBuckets(t testing.TB, n *lab.Netns) bucketCount {
	t.Helper()
	all, err := n.TCPSockets()
	if err != nil {
		t.Fatal(err)
	}
	c := bucketCount{bySpace: map[portspace.ID]int{}}
	for _, s := range all {
		if s.State == lab.TimeWait || s.State == lab.FinWait2 && s.Inode == 0 {
			c.bySpace[portspace.ID{Netns: n.Inode(), Local: endpoint(s.Local).Addr, Remote: endpoint(s.Remote)}]++
			c.all++
		}
	}
	return c
}

// shownBuckets are those of a snapshot.
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

// lookedAt is the first snapshot that knows the sockets of the namespace.
func (w *spaceWatch) lookedAt(n *lab.Netns) (s *snapshot.Snapshot) {
	w.t.Helper()
	eventually(w.t, "a look at all sockets", func() bool {
		s = w.snapshot()
		for i := range s.Namespaces {
			if ns := &s.Namespaces[i]; ns.Inode == n.Inode() && !ns.Census.IsZero() {
				return true
			}
		}
		return false
	})
	return s
}

// bucketLag is how long after the kernel a bucket may be shown: its end is a second's.
const bucketLag = 1500 * time.Millisecond

// Buckets that are older than the trace are shown from the first look on, in each space as
// many as the kernel has, and end when the kernel's do.
func TestTimeWaitBefore(t *testing.T) {
	t.Parallel() // it mostly waits
	n := serverNet(t)
	r := run(t, n, "before", &lab.Client{To: serverList(manyServers), Count: manyBuckets, Talk: true})
	if r.Succeeded != manyBuckets {
		t.Fatalf("the client: %+v", r)
	}
	before := kernelBuckets(t, n)
	w := watchSpaces(t, n)
	snap := w.lookedAt(n)
	samples, ending := 0, 0
	for began := time.Now(); before.all > 0 && time.Since(began) < longest; samples++ {
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
		time.Sleep(bucketLag)
		snap = w.snapshot()
	}
	if samples < 10 || ending == 0 || before.all > 0 {
		t.Errorf("%d samples, %d while buckets ended, %d are left", samples, ending, before.all)
	}
}

// checkBetween holds what is shown against the kernel's count before it, and after.
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
