package kerneltest

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// configuredAs waits for a reading of the namespace's settings that began after the call, and
// returns its row.
func (w *spaceTrace) configuredAs(n *lab.Netns) snapshot.Namespace {
	w.t.Helper()
	w.awaitCounts("readings of the settings", []*lab.Netns{n}, 2, w.settings)
	for _, row := range w.snapshot().Namespaces {
		if row.Inode == n.Inode() {
			return row
		}
	}
	w.t.Fatalf("no namespace %d is shown", n.Inode())
	return snapshot.Namespace{}
}

// What is set while the trace runs, in another namespace than the tracer's, counts from
// the next reading on.
func TestSettingsChange(t *testing.T) {
	const ports, used = 64, 10
	n := loopbackNet(t, ports, loopV4)
	w := traceSpaces(t, n)
	client := spawn(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: used, Talk: true, Hold: true, List: true})
	r := counted(t, client)
	wantCounts(t, r, used, 0)
	var taken []int
	for _, try := range r.Tries {
		taken = append(taken, int(try.Local.Port()))
	}
	slices.Sort(taken)
	set := func(name, value string) {
		noError(t, n.Sysctl("ipv4/"+name, value))
	}
	check := func(what string, capacity, live int) {
		t.Helper()
		row := w.configuredAs(n)
		var has, used int
		w.withTable(func(table *portspace.Table) {
			space := table.Find(loopID(n, loopV4)).All()
			has, used = space.Capacity(), space.Occupancy(0).Live
		})
		if row.Capacity != capacity || has != capacity || used != live {
			t.Errorf("%s: %d of %d ports are in use; reported are %d of %d, the namespace has %d", what, live, capacity, used, has, row.Capacity)
		}
		// An unused one is not listed on a host that has a thousand others.
		if space := rowOf(w.snapshot(), loopID(n, loopV4)); space == nil && live > 0 || space != nil && (space.Capacity != capacity || space.Live != live) {
			t.Errorf("%s: %d of %d ports are in use: %s", what, live, capacity, spaceText(space))
		}
	}
	check("at first", ports, used)
	// Half of those in use, and one that is not.
	var reserved []string
	for _, port := range taken[:used/2] {
		reserved = append(reserved, strconv.Itoa(port))
	}
	free := 32768
	for slices.Contains(taken, free) {
		free++
	}
	set("ip_local_reserved_ports", strings.Join(append(reserved, strconv.Itoa(free)), ","))
	check("reserved", ports-used/2-1, used-used/2)
	set("ip_local_reserved_ports", "\n")
	check("reserved no more", ports, used)
	set("ip_local_port_range", "32768 32863")
	check("widened", 96, used)
	set("ip_local_port_range", "40000 40031")
	check("elsewhere", 32, 0)
	// As many as the new range has, and no more.
	late := run(t, n, "late", &lab.Client{To: []netip.AddrPort{loopV4}, Count: 40, Talk: true})
	wantCounts(t, late, 32, 8)
	row := w.awaitRow("a full range", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Exhausted == 8 })
	if !row.IsFull() || row.TimeWait != 32 {
		t.Errorf("the new range: %s", spaceText(row))
	}
	set("ip_local_port_range", "32768 32831")
	check("as it was", ports, used)
	set("tcp_tw_reuse", "1")
	if row := w.configuredAs(n); row.Reuse != 1 {
		t.Errorf("tcp_tw_reuse is shown as %d", row.Reuse)
	}
}

// A listener on a port of the range takes it from every connect().
func TestListenerInRange(t *testing.T) {
	const ports = 32
	n := loopbackNet(t, ports, loopV4)
	w := traceSpaces(t, n)
	w.awaitScans(n)
	listener := serve(t, n, lab.Echo, at(loopV4, 32770))
	r := run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: ports, Talk: true})
	wantCounts(t, r, ports-1, 1)
	row := w.awaitRow("the failure", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Exhausted == 1 })
	if row.Bound != 1 || row.TimeWait != ports-1 || !row.IsFull() {
		t.Errorf("%s", spaceText(row))
	}
	if got := holders(row); got[listener.PID()] != 1 || got[r.PID] != ports-1 {
		t.Errorf("ports are held by %v", got)
	}
	listener.Stop()
	w.awaitScans(n)
	if row := rowOf(w.snapshot(), loopID(n, loopV4)); row == nil || row.Bound != 0 || row.Headroom() != 1 {
		t.Errorf("without the listener: %s", spaceText(row))
	}
}

// Sockets with a range of their own have a space of their own.
func TestSpaceOfOwnRange(t *testing.T) {
	const ports, own = 64, 8
	n := loopbackNet(t, ports, loopV4)
	w := traceSpaces(t, n)
	low, high := uint16(32776), uint16(32776+own-1)
	var fds []int
	fails := 0
	err := n.Do(func() error {
		for range own + 2 {
			fd, err := newSocket(loopV4.Addr())
			if err != nil {
				return err
			}
			fds = append(fds, fd)
			if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_LOCAL_PORT_RANGE, int(high)<<16|int(low)); err != nil {
				return err
			}
			err = unix.Connect(fd, lab.Sockaddr(loopV4))
			if errors.Is(err, unix.EADDRNOTAVAIL) {
				fails++
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	if errors.Is(err, unix.ENOPROTOOPT) && !kernelAtLeast(t, 6, 3) {
		t.Skipf("IP_LOCAL_PORT_RANGE came with Linux 6.3: %v", err)
	}
	if err != nil || fails != 2 {
		t.Fatalf("%d connects failed, %v", fails, err)
	}
	var row *snapshot.PortSpace
	eventually(t, "the sockets' own space", func() bool {
		for _, p := range spacesOf(w.snapshot(), n) {
			if p.Kind == snapshot.ConnectSpace && p.PerSocketRange {
				row = &p
				return p.Exhausted == 2
			}
		}
		return false
	})
	if row.Range != (event.PortRange{Low: low, High: high}) || row.Capacity != own || row.Live != own || !row.IsFull() {
		t.Errorf("of range %v: %s", row.Range, spaceText(row))
	}
	w.withTable(func(table *portspace.Table) {
		if all := table.Find(loopID(n, loopV4)); headroom(all) != ports-own {
			t.Errorf("the headroom of all others is %d of %d", headroom(all), all.All().Capacity())
		}
	})
	// All others find the ports taken, and the rest free. They hold what they get: once, on a
	// host under load, two buckets were gone before the last connect().
	r := run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: ports, Talk: true, Hold: true})
	if r.Succeeded != ports-own {
		t.Errorf("the client: %+v", r)
	}
	shared := w.awaitRow("the client's failures", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Exhausted == own })
	if !shared.IsFull() || shared.Capacity != ports {
		t.Errorf("%s", spaceText(shared))
	}
}
