package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// kernelNames are the names of the counters in /proc/net/netstat and snmp.
func kernelNames(c *event.NetnsCounts) map[string]*event.Counter {
	return map[string]*event.Counter{
		"TcpExt.TW": &c.TimeWaits, "TcpExt.TWRecycled": &c.TimeWaitsRecycled, "TcpExt.TCPTimeWaitOverflow": &c.TimeWaitOverflows,
		"TcpExt.ListenOverflows": &c.ListenOverflows, "TcpExt.ListenDrops": &c.ListenDrops, "TcpExt.TCPAbortOnMemory": &c.MemoryAborts,
		"TcpExt.TCPSynRetrans": &c.SynRetransmits, "TcpExt.TCPReqQFullDrop": &c.RequestDrops,
		"TcpExt.TCPReqQFullDoCookies": &c.RequestCookies, "TcpExt.TCPMemoryPressures": &c.MemoryPressures, "Tcp.AttemptFails": &c.AttemptFails,
	}
}

// beginConnect sends a SYN and does not wait.
func beginConnect(to netip.AddrPort) (int, error) {
	fd, err := newSocket(to.Addr())
	if err != nil {
		return fd, err
	}
	err = errors.Join(unix.SetNonblock(fd, true), ignoring(unix.Connect(fd, lab.Sockaddr(to)), unix.EINPROGRESS))
	return fd, err
}

func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// overflow makes connections to a listener that does not accept, beyond its queue, and leaves
// one of those that were established as an orphan that has data to send.
func overflow(t *testing.T, n *lab.Netns, port uint16) {
	t.Helper()
	var open []int
	t.Cleanup(func() {
		for _, fd := range open {
			unix.Close(fd)
		}
	})
	noError(t, n.Do(func() error {
		to := at(loopV4, port)
		listener, err := socketAt(to)
		open = append(open, listener)
		if err := errors.Join(err, unix.Listen(listener, 0)); err != nil {
			return err
		}
		for range 8 {
			fd, err := beginConnect(to)
			open = append(open, fd)
			if err != nil {
				return err
			}
		}
		first := open[1]
		if err := awaitPoll(first, unix.POLLOUT, waitLimit); err != nil {
			return err
		}
		data := make([]byte, 64<<10)
		for range 1000 { // until neither end has room
			if _, err := unix.Write(first, data); err != nil {
				break
			}
		}
		open = append(open[:1], open[2:]...)
		return unix.Close(first)
	}))
}

// TestKernelCounts: a full accept queue, SYNs that are sent again and an orphan are counted
// as the kernel counts them, and only what happens in the trace.
func TestKernelCounts(t *testing.T) {
	n := newNetns(t)
	serve(t, n, lab.Echo, loopV4) // a namespace is read by a process that is in it
	overflow(t, n, 81)
	eventually(t, "overflows before the trace", func() bool { return counters(t, n)["TcpExt.ListenOverflows"] > 0 })
	w := traceSpaces(t, n)
	begun := w.awaitSnapshot("the first counts", func(s *snapshot.Snapshot) bool { return countsRow(s, n).CountedAt != time.Time{} })
	before := countsRow(begun, n).Counts
	overflow(t, n, 82)
	var wrong string
	defer func() {
		if t.Failed() {
			t.Log(wrong)
		}
	}()
	w.awaitSnapshot("the counts of the kernel", func(s *snapshot.Snapshot) bool {
		row := countsRow(s, n)
		kernel := counters(t, n)
		wrong = compareCounts(row, &before, kernel)
		return wrong == "" && row.Counted.ListenOverflows > event.CounterOf(0) && row.Counted.SynRetransmits > event.CounterOf(0)
	})
	row := countsRow(w.snapshot(), n)
	stat, err := n.Sockstat()
	noError(t, err)
	if stat.Orphan == 0 || row.Counted.Orphans <= event.CounterOf(0) {
		t.Errorf("the kernel has %d orphans, at most %d are shown", stat.Orphan, int64(row.Counted.Orphans)-1)
	}
	if !row.MaxOrphans.Known() || row.TCPMem[2] == 0 || row.NonlocalBind != event.SettingOf(0) || row.UnprivilegedPort != event.CounterOf(1024) {
		t.Errorf("the settings are %+v", row)
	}
	noError(t, n.Sysctl("ipv4/ip_nonlocal_bind", "1"), n.Sysctl("ipv4/ip_unprivileged_port_start", "80"))
	w.awaitSnapshot("the new settings", func(s *snapshot.Snapshot) bool {
		row := countsRow(s, n)
		return row.NonlocalBind == event.SettingOf(1) && row.UnprivilegedPort == event.CounterOf(80)
	})
	w.stop()
	w.checkReplayedCounts(n)
}

// counted1 returns the row of a namespace, an empty one if there is none.
func countsRow(s *snapshot.Snapshot, n *lab.Netns) *snapshot.Namespace {
	if row := s.Namespace(n.Inode()); row != nil {
		return row
	}
	return &snapshot.Namespace{}
}

// compareCounts says in what the row differs from the kernel, which had counted something
// before.
func compareCounts(row *snapshot.Namespace, before *event.NetnsCounts, kernel map[string]uint64) (wrong string) {
	shown, since, old := kernelNames(&row.Counts), kernelNames(&row.Counted), kernelNames(before)
	for name, value := range kernel {
		if counter := shown[name]; counter != nil && *counter != event.CounterOf(value) {
			wrong += fmt.Sprintf("%s is %d, shown as %d; ", name, value, int64(*counter)-1)
		} else if counter != nil && *since[name] != event.CounterOf(counter.Since(*old[name])) {
			wrong += fmt.Sprintf("%s was %d and is %d, counted are %d; ", name, int64(*old[name])-1, value, int64(*since[name])-1)
		}
	}
	return wrong
}

// checkReplayedCounts compares the counts in the stream with those of the last snapshot.
func (w *spaceTrace) checkReplayedCounts(n *lab.Netns) {
	w.t.Helper()
	var world event.World
	for i := range w.events {
		world.Apply(&w.events[i])
	}
	world.EachCounts(func(c *event.NetnsCounts) {
		if c.Netns == n.Inode() && *c != countsRow(w.snap, n).Counts {
			w.t.Errorf("the stream ends with %+v, the snapshot has %+v", *c, countsRow(w.snap, n).Counts)
		}
	})
}

// needTracking skips the test if this kernel or machine cannot fill a table of nf_conntrack.
func needTracking(t *testing.T) (most int) {
	t.Helper()
	need.Works(t, "nf_tables", "nft", "list", "ruleset")
	return need.FillableTracking(t)
}

// nft runs nft in the namespace.
func nft(t *testing.T, n *lab.Netns, command string) {
	t.Helper()
	var out []byte
	err := n.Do(func() (err error) {
		out, err = exec.Command("nft", strings.Fields(command)...).CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("nft %s: %v: %s", command, err, out)
	}
}

// fillTracking sends a datagram to each of count addresses of the loopback device.
func fillTracking(n *lab.Netns, count int) error {
	return n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 9}); err != nil { // it gets its own datagrams: no ICMP
			return err
		}
		for i := range count {
			to := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)}}
			if err := unix.Sendto(fd, []byte{0}, 0, to); err != nil && !errors.Is(err, unix.EPERM) {
				return err
			}
		}
		return nil
	})
}

// trackingStat returns what /proc/net/stat/nf_conntrack counts, over all processors.
func trackingStat(t *testing.T, n *lab.Netns) (sums map[string]uint64) {
	t.Helper()
	text, err := n.ReadNet("stat/nf_conntrack")
	noError(t, err)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	sums = map[string]uint64{}
	for i, name := range strings.Fields(lines[0]) {
		for j, line := range lines[1:] {
			value, err := strconv.ParseUint(strings.Fields(line)[i], 16, 64)
			noError(t, err)
			if name != "entries" || j == 0 {
				sums[name] += value
			}
		}
	}
	return sums
}

// TestFullTracking: a full table of nf_conntrack is shown with its size and what had to go.
func TestFullTracking(t *testing.T) {
	most := needTracking(t)
	n := newNetns(t)
	serve(t, n, lab.Echo, loopV4)
	nft(t, n, "add table ip pt")
	nft(t, n, "add chain ip pt out { type filter hook output priority 0 ; }")
	nft(t, n, "add rule ip pt out ct state new counter")
	nft(t, n, "add chain ip pt post { type nat hook postrouting priority 100 ; }")
	nft(t, n, "add rule ip pt post ip daddr 192.0.2.1 masquerade")
	w := traceSpaces(t, n)
	w.awaitSnapshot("the first counts", func(s *snapshot.Snapshot) bool { return countsRow(s, n).Counts.Conntrack.Entries.Known() })
	noError(t, fillTracking(n, most+5000))
	kernel := trackingStat(t, n)
	if kernel["entries"] < uint64(most)*9/10 {
		t.Fatalf("the table has %d of %d entries: %v", kernel["entries"], most, kernel)
	}
	row := countsRow(w.awaitSnapshot("the full table", func(s *snapshot.Snapshot) bool {
		c := countsRow(s, n).Counted.Conntrack
		return c.Entries > event.CounterOf(kernel["entries"]-1) && c.Max.Known() && c.NAT.Known()
	}), n)
	got := row.Counted.Conntrack
	want := event.Conntrack{
		Entries: got.Entries, Max: event.CounterOf(uint64(most)), InsertFailed: event.CounterOf(kernel["insert_failed"]),
		Drops: event.CounterOf(kernel["drop"]), EarlyDrops: event.CounterOf(kernel["early_drop"]), NAT: event.SettingOf(1),
	}
	if got != want || kernel["early_drop"]+kernel["drop"] == 0 {
		t.Errorf("got %+v, want %+v; the kernel has %v", got, want, kernel)
	}
}
