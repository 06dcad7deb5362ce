package portspace

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func udpAddr(s string) event.Addr { return event.Addr(netip.MustParseAddr(s).As16()) }

func udpSocketAt(s string, v6only bool, pid uint32) UDPSocket {
	at := netip.MustParseAddrPort(s)
	return UDPSocket{
		Local: event.Endpoint{Addr: at.Addr().As16(), Port: at.Port()}, V6Only: v6only, Proc: event.ProcID{PID: pid, Start: uint64(pid)},
	}
}

// TestUDPConflict has what inet_rcv_saddr_equal() answers. TestUDPConflictsOfKernel of
// internal/kerneltest asks the kernel the same.
func TestUDPConflict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		socket   string
		v6only   bool
		conflict map[string]bool // by the address of the caller
	}{
		{"0.0.0.0:1", false, map[string]bool{"0.0.0.0": true, "127.0.0.1": true, "::": true, "fd00::1": false}},
		{"127.0.0.1:1", false, map[string]bool{"0.0.0.0": true, "127.0.0.1": true, "127.0.0.2": false, "::": true, "fd00::1": false}},
		{"[::]:1", false, map[string]bool{"0.0.0.0": true, "127.0.0.1": true, "::": true, "fd00::1": true}},
		{"[::]:1", true, map[string]bool{"0.0.0.0": false, "127.0.0.1": false, "::": true, "fd00::1": true}},
		{"[fd00::1]:1", true, map[string]bool{"0.0.0.0": false, "127.0.0.1": false, "::": true, "fd00::1": true, "fd00::2": false}},
		{"[fd00::1]:1", false, map[string]bool{"0.0.0.0": true, "127.0.0.1": false, "::": true, "fd00::1": true}},
	} {
		for addr, want := range tc.conflict {
			s := udpSocketAt(tc.socket, tc.v6only, 0)
			if got := udpConflict(udpAddr(addr), &s); got != want {
				t.Errorf("%s against a socket at %s (V6ONLY %v): %v, want %v", addr, tc.socket, tc.v6only, got, want)
			}
		}
	}
}

func TestUDPCount(t *testing.T) {
	t.Parallel()
	c := UDPCensus{
		Netns: 7, Ports: event.PortRange{Low: 40000, High: 40009}, Reserved: "40009",
		Sockets: []UDPSocket{
			udpSocketAt("0.0.0.0:40000", false, 5),
			udpSocketAt("127.0.0.1:40001", false, 6),
			udpSocketAt("127.0.0.1:40001", false, 5), // SO_REUSEPORT, or inherited
			udpSocketAt("127.0.0.2:40001", false, 6), // the same port at another address
			udpSocketAt("127.0.0.1:40002", false, 0),
			udpSocketAt("127.0.0.1:53", false, 8),    // outside the range
			udpSocketAt("127.0.0.1:40009", false, 8), // reserved: no bind() to port 0 gets it
			udpSocketAt("[fd00::1]:40003", true, 9),
		},
	}
	five, six, nine := event.ProcID{PID: 5, Start: 5}, event.ProcID{PID: 6, Start: 6}, event.ProcID{PID: 9, Start: 9}
	use := func(inUse, own uint32, holders ...event.UDPHolder) event.UDPUse {
		return event.UDPUse{Netns: 7, InUse: inUse, Own: own, Holders: holders, Ports: c.Ports, Reserved: c.Reserved}
	}
	unknown := event.ProcID{}
	want := []UDPCount{
		{udpAddr("::"), use(4, 1, event.UDPHolder{Proc: five, Ports: 2}, event.UDPHolder{Proc: unknown, Ports: 1}, event.UDPHolder{Proc: nine, Ports: 1})},
		{udpAddr("0.0.0.0"), use(3, 3, event.UDPHolder{Proc: five, Ports: 2}, event.UDPHolder{Proc: unknown, Ports: 1})},
		{udpAddr("127.0.0.1"), use(3, 2, event.UDPHolder{Proc: five, Ports: 2}, event.UDPHolder{Proc: unknown, Ports: 1})},
		{udpAddr("127.0.0.2"), use(2, 1, event.UDPHolder{Proc: five, Ports: 1}, event.UDPHolder{Proc: six, Ports: 1})},
		{udpAddr("127.0.0.9"), use(1, 0, event.UDPHolder{Proc: five, Ports: 1})},
		{udpAddr("fd00::1"), use(1, 1, event.UDPHolder{Proc: nine, Ports: 1})},
	}
	got := c.Count([]event.Addr{udpAddr("127.0.0.9"), udpAddr("0.0.0.0")})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// TestUDPCountBounded: a server with a socket at each of very many addresses makes no more than
// some rows, and all its ports count for the unspecified one.
func TestUDPCountBounded(t *testing.T) {
	t.Parallel()
	c := UDPCensus{Ports: event.PortRange{Low: 1024, High: 60999}}
	for i := range 20000 {
		s := udpSocketAt("10.0.0.0:1", false, uint32(i+1))
		s.Local.Addr[14], s.Local.Addr[15], s.Local.Port = byte(i>>8), byte(i), uint16(1024+i)
		c.Sockets = append(c.Sockets, s)
	}
	counts := c.Count(nil)
	if len(counts) != 1+maxUDPAddrs {
		t.Fatalf("%d addresses", len(counts))
	}
	if use := counts[0].Use; use.InUse != 20000 || use.Own != 20000 || len(use.Holders) != maxUDPHolders {
		t.Errorf("any address: %+v", use)
	}
}

func BenchmarkUDPCount(b *testing.B) {
	c := UDPCensus{Ports: event.PortRange{Low: 32768, High: 60999}}
	for i := range 20000 {
		s := udpSocketAt("10.0.0.1:1", false, 1)
		s.Local.Port = uint16(32768 + i)
		c.Sockets = append(c.Sockets, s)
	}
	for b.Loop() {
		c.Count(nil)
	}
}
