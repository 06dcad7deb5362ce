package kerneltest

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The map has each port where the kernel has it: a block that was bound and connected, bound
// ports, one that listens, reserved ones, and TIME_WAIT; and the block is one range of its holder.
func TestMap(t *testing.T) {
	const block, bound, listener, waiting = firstPort + 32, firstPort + 48, firstPort + 63, firstPort + 20
	n := loopbackNet(t, 64, loopV4)
	noError(t, n.Sysctl("ipv4/ip_local_reserved_ports", "32770-32773"))
	w := traceSpaces(t, n)
	sockets := makeMapped(t, n, block, bound, listener, waiting)
	t.Cleanup(func() {
		for _, fd := range sockets {
			noError(t, unix.Close(fd))
		}
	})

	want := make([]snapshot.PortSlice, 64)
	for i := range want {
		want[i].Ports = 1
	}
	for i := range 10 {
		want[block-firstPort+i].Open = 1
	}
	want[bound-firstPort].Bound, want[listener-firstPort].Listener, want[waiting-firstPort].TimeWait = 1, 1, 1
	for i := 2; i < 6; i++ {
		want[i].Reserved = 1
	}
	row := w.awaitRow("all sockets", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Live == 10 && p.TimeWait == 1 && p.Bound == 2 })
	checkMapped(t, row, want)
	w.awaitScans(n)
	row = rowOf(w.snapshot(), loopID(n, loopV4))
	checkMapped(t, row, want)
	w.awaitRow("the second in which that was over", loopID(n, loopV4), func(p *snapshot.PortSpace) bool {
		return len(p.Fill) > 0 && p.Fill[len(p.Fill)-1] == snapshot.FillPoint{Capacity: 60, InUse: 13, TimeWait: 1}
	})
}

// makeMapped makes ten connections from a block of ports, one from a port that is left in
// TIME_WAIT, a socket that is bound and one that listens. It returns those that are open.
func makeMapped(t *testing.T, n *lab.Netns, block, bound, listener, waiting uint16) (sockets []int) {
	t.Helper()
	noError(t, n.Do(func() error {
		at := func(port uint16) (int, error) {
			fd, err := socketAt(netip.AddrPortFrom(loopV4.Addr(), port))
			sockets = append(sockets, fd)
			return fd, err
		}
		for i := range uint16(10) {
			fd, err := at(block + i)
			if err := errors.Join(err, unix.Connect(fd, lab.Sockaddr(loopV4))); err != nil {
				return err
			}
		}
		closed, err := socketAt(netip.AddrPortFrom(loopV4.Addr(), waiting))
		err = errors.Join(err, unix.Connect(closed, lab.Sockaddr(loopV4)), unix.Close(closed))
		_, err2 := at(bound)
		fd, err3 := at(listener)
		return errors.Join(err, err2, err3, unix.Listen(fd, 1))
	}))
	return sockets
}

func checkMapped(t *testing.T, row *snapshot.PortSpace, want []snapshot.PortSlice) {
	t.Helper()
	if row == nil || row.Map == nil || len(row.Map.Slices) != len(want) {
		t.Fatalf("the space is %s", spaceText(row))
	}
	for i, got := range row.Map.Slices {
		if got != want[i] {
			t.Errorf("port %d: %+v, want %+v", firstPort+i, got, want[i])
		}
	}
	if len(row.Holders) != 1 {
		t.Fatalf("holders: %+v", row.Holders)
	}
	held := row.Holders[0].Held
	if len(held.Ranges) != 1 || held.Ranges[0].Low != firstPort+32 || held.Ranges[0].Ports != 10 || held.Ranges[0].Bound != 10 || held.Rest.Ports != 3 {
		t.Errorf("held: %+v", held)
	}
}
