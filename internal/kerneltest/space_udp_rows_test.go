package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
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

var (
	any4 = netip.MustParseAddr("0.0.0.0")
	any6 = netip.MustParseAddr("::")
)

// udpPorts returns the local ports of the UDP sockets of the namespace by the kernel's own list,
// of those at the addresses that are accepted.
func udpPorts(t testing.TB, n *lab.Netns, files ...string) map[int]bool {
	t.Helper()
	ports := map[int]bool{}
	noError(t, n.Do(func() error {
		for _, file := range files {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
				_, port, _ := strings.Cut(strings.Fields(line)[1], ":")
				number, err := strconv.ParseUint(port, 16, 16)
				if err != nil {
					return err
				}
				ports[int(number)] = true
			}
		}
		return nil
	}))
	return ports
}

// udpRowOf returns the row of the address, nil if there is none.
func udpRowOf(s *snapshot.Snapshot, n *lab.Netns, addr netip.Addr) *snapshot.PortSpace {
	for i := range s.PortSpaces {
		if p := &s.PortSpaces[i]; p.Netns == n.Inode() && p.Proto == event.UDP && p.Local == event.AddrFrom(addr) {
			return p
		}
	}
	return nil
}

// awaitUDP waits for a row of the address with that number of ports in use.
func (w *spaceTrace) awaitUDP(n *lab.Netns, addr netip.Addr, inUse int) *snapshot.PortSpace {
	w.t.Helper()
	s := w.awaitSnapshot(fmt.Sprint(inUse, " UDP ports at ", addr), func(s *snapshot.Snapshot) bool {
		p := udpRowOf(s, n, addr)
		return p != nil && p.Capacity > 0 && p.InUse() == inUse
	})
	return udpRowOf(s, n, addr)
}

// The headroom of a row of UDP is the number of bind() to port 0 that then succeed at its address,
// whatever mix of sockets is there. The row names who holds the ports, and who found none.
func TestUDPSpaces(t *testing.T) {
	const ports, bound, connected, any = 32, 6, 5, 4
	for name, loop := range map[string]netip.AddrPort{"v4": loopV4, "v6": loopV6} {
		t.Run(name, func(t *testing.T) {
			n := newNetns(t)
			narrow(t, n, ports)
			at0, unspecified, file := at(loop, 0), wildcard(at(loop, 0)), "udp"
			if loop.Addr().Is6() {
				file = "udp6"
			}
			w := traceSpaces(t, n)
			holder := spawn(t, n, "holder", &lab.Binder{Socket: lab.Socket{UDP: true, Bind: at0}, Count: bound})
			client := spawn(t, n, "client", &lab.Client{Socket: lab.Socket{UDP: true}, To: []netip.AddrPort{loop}, Count: connected, Hold: true})
			dns := spawn(t, n, "dns", &lab.Binder{Socket: lab.Socket{UDP: true, Bind: unspecified}, Count: any})
			for _, p := range []*lab.Proc{holder, client, dns} {
				counted(t, p)
			}
			inUse := len(udpPorts(t, n, file))
			if inUse != bound+connected+any {
				t.Fatalf("the kernel lists %d ports", inUse)
			}
			for _, addr := range []netip.Addr{loop.Addr(), unspecified.Addr()} {
				p := w.awaitUDP(n, addr, inUse)
				if p.Kind != snapshot.BindSpace || p.Capacity != ports || p.Headroom() != ports-inUse || p.TimeWait != 0 {
					t.Errorf("%s: %+v", addr, p)
				}
				want := map[int]int{holder.PID(): bound, client.PID(): connected, dns.PID(): any}
				if got := holders(p); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: holders %v, want %v", addr, got, want)
				}
			}
			last := spawn(t, n, "last", &lab.Binder{Socket: lab.Socket{UDP: true, Bind: at0}, Count: ports})
			if r := counted(t, last); r.Succeeded != ports-inUse || r.BindErrors["EADDRINUSE"] != inUse {
				t.Errorf("the headroom was %d, and %d calls succeeded", ports-inUse, r.Succeeded)
			}
			if p := w.awaitUDP(n, loop.Addr(), ports); !p.IsFull() {
				t.Errorf("%+v", p)
			}
			checkUDPVictims(t, w, n, at0)
			for _, p := range []*lab.Proc{holder, client, dns, last} {
				release(t, p)
			}
			eventually(t, "the kernel lists no port", func() bool { return len(udpPorts(t, n, "udp", "udp6")) == 0 })
		})
	}
}

// checkUDPVictims has a bind() fail at a full address.
func checkUDPVictims(t *testing.T, w *spaceTrace, n *lab.Netns, at0 netip.AddrPort) {
	t.Helper()
	if !w.exact("bind") {
		t.Logf("failing binds of UDP sockets are not seen here: %s", w.signal("bind").Reason)
		return
	}
	const tries = 3
	victim := run(t, n, "victim", &lab.Binder{Socket: lab.Socket{UDP: true, Bind: at0}, Count: tries})
	if victim.BindErrors["EADDRINUSE"] != tries {
		t.Fatalf("%+v", victim)
	}
	w.awaitSnapshot("the victim in the row", func(s *snapshot.Snapshot) bool {
		p := udpRowOf(s, n, at0.Addr())
		return p != nil && slices.ContainsFunc(p.Victims, func(v snapshot.Victim) bool {
			return int(v.Proc.ID.PID) == victim.PID && v.Failures == tries
		})
	})
}

// Which sockets conflict is what the kernel says: a bind() to the port of another socket fails, or not.
func TestUDPConflictsOfKernel(t *testing.T) {
	n := newNetns(t)
	other := netip.MustParseAddr("127.0.0.2")
	callers := []netip.Addr{any4, loopV4.Addr(), other, any6, loopV6.Addr()}
	type socket struct {
		addr      netip.Addr
		v6only    bool
		connected bool
	}
	for _, held := range []socket{
		{addr: any4},
		{addr: loopV4.Addr()},
		{addr: any6},
		{addr: any6, v6only: true},
		{addr: loopV6.Addr()},
		{addr: any4, connected: true},
		{addr: any6, connected: true},
	} {
		noError(t, n.Do(func() error {
			fd, local, err := udpAt(netip.AddrPortFrom(held.addr, 0), held.v6only)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if held.connected {
				to := loopV4
				if held.addr.Is6() {
					to = loopV6
				}
				if err := unix.Connect(fd, lab.Sockaddr(to)); err != nil {
					return err
				}
				local = lab.LocalAddr(fd)
			}
			// bind() to an address of IPv6 sets IPV6_V6ONLY: what the census reads from the socket.
			v6only := held.addr.Is6() && (held.v6only || held.addr != any6)
			census := portspace.UDPCensus{
				Ports:   event.PortRange{Low: local.Port(), High: local.Port()},
				Sockets: []portspace.UDPSocket{{Local: endpoint(local), V6Only: v6only}},
			}
			for _, caller := range callers {
				got := inUseAt(&census, event.AddrFrom(caller))
				second, _, err := udpAt(netip.AddrPortFrom(caller, local.Port()), false)
				if err == nil {
					unix.Close(second)
				}
				if want := errors.Is(err, unix.EADDRINUSE); got != want || err != nil && !want {
					t.Errorf("a socket at %s (%+v), a bind() at %s: %v, and the conflict is said to be %v", local, held, caller, err, got)
				}
			}
			return nil
		}))
	}
}

// inUseAt reports whether the only port of the range is in use at the address.
func inUseAt(c *portspace.UDPCensus, addr event.Addr) bool {
	for _, one := range c.Count([]event.Addr{addr}) {
		if one.Addr == addr {
			return one.Use.InUse == 1
		}
	}
	return false
}

// udpAt returns a bound UDP socket.
func udpAt(to netip.AddrPort, v6only bool) (fd int, local netip.AddrPort, err error) {
	fd, err = unix.Socket(domain(to.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, local, err
	}
	if v6only {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, lab.Sockaddr(to))
	}
	if err != nil {
		unix.Close(fd)
		return -1, local, err
	}
	return fd, lab.LocalAddr(fd), nil
}
