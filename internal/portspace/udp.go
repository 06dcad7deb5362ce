package portspace

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// UDPSocket is a UDP socket that has a port.
type UDPSocket struct {
	Local  event.Endpoint
	V6Only bool         // IPV6_V6ONLY
	Proc   event.ProcID // zero: not known
}

// Bounds of what is counted of a namespace.
const (
	maxUDPAddrs   = 8  // specific addresses, those with the most ports
	maxUDPHolders = 10 // of an address
)

// UDPCensus is the UDP sockets of a namespace. The port space of UDP is the local address: a
// socket that binds to port 0 there, or gets its port by its first send or connect, finds taken
// every port of the range that a conflicting socket has, whatever that is connected to
// (udp_lib_get_port and udp_lib_lport_inuse, net/ipv4/udp.c). Which conflict is up to
// inet_rcv_saddr_equal, see udpConflict. Ports are counted for a socket without SO_REUSEADDR and
// SO_REUSEPORT; of one bound to a device it is an upper bound.
type UDPCensus struct {
	Netns    uint32
	Ports    event.PortRange
	Reserved string
	Sockets  []UDPSocket
}

// UDPCount is the use of one address.
type UDPCount struct {
	Addr event.Addr
	Use  event.UDPUse
}

// Count returns the use of 0.0.0.0, of ::, of the specific addresses with the most ports, and of
// those asked for, ordered by address. An unspecified address of which there is no socket of its
// family is left out, unless it is asked for.
func (c *UDPCensus) Count(also []event.Addr) []UDPCount {
	usable := usable(c.Ports, c.Reserved)
	holders := make([]event.ProcID, 1<<16)
	var counts []UDPCount
	for _, addr := range c.addrs(usable, also) {
		clear(holders)
		counts = append(counts, UDPCount{addr, c.count(usable, holders, addr)})
	}
	return counts
}

// addrs returns the addresses to count.
func (c *UDPCensus) addrs(usable *bitmap, also []event.Addr) []event.Addr {
	sockets := map[event.Addr]int{}
	list := slices.Clone(also)
	var v4, v6 bool
	for i := range c.Sockets {
		local := &c.Sockets[i].Local
		if !usable.has(local.Port) {
			continue
		}
		sockets[local.Addr]++
		if local.Addr.Is4() {
			v4 = true
		} else {
			v6 = true
		}
	}
	if v4 {
		list = append(list, wildcard4)
	}
	if v6 {
		list = append(list, event.Addr{})
	}
	delete(sockets, wildcard4)
	delete(sockets, event.Addr{})
	specific := make([]event.Addr, 0, len(sockets))
	for addr := range sockets {
		specific = append(specific, addr)
	}
	slices.SortFunc(specific, func(a, b event.Addr) int {
		return cmp.Or(cmp.Compare(sockets[b], sockets[a]), compareAddrs(a, b))
	})
	list = append(list, specific[:min(len(specific), maxUDPAddrs)]...)
	slices.SortFunc(list, compareAddrs)
	return slices.Compact(list)
}

func compareAddrs(a, b event.Addr) int { return bytes.Compare(a[:], b[:]) }

// count returns the use of one address. It keeps the holder of each port in holders, which must be
// empty: of several it is the one with the lowest pid, mostly the parent.
func (c *UDPCensus) count(usable *bitmap, holders []event.ProcID, addr event.Addr) event.UDPUse {
	use := event.UDPUse{Netns: c.Netns, Ports: c.Ports, Reserved: c.Reserved}
	var taken, own bitmap
	for i := range c.Sockets {
		s := &c.Sockets[i]
		port := s.Local.Port
		if !usable.has(port) || !udpConflict(addr, s) {
			continue
		}
		if isOwnOf(addr, s.Local.Addr) && !own.has(port) {
			own.add(port)
			use.Own++
		}
		switch {
		case !taken.has(port):
			taken.add(port)
			use.InUse++
			holders[port] = s.Proc
		case !holders[port].Known(), s.Proc.Known() && compareProc(s.Proc, holders[port]) < 0:
			holders[port] = s.Proc
		}
	}
	use.Holders = rankUDPHolders(&taken, holders)
	return use
}

func rankUDPHolders(taken *bitmap, holders []event.ProcID) []event.UDPHolder {
	ports := map[event.ProcID]uint32{}
	for port := range holders {
		if taken.has(uint16(port)) {
			ports[holders[port]]++
		}
	}
	list := make([]event.UDPHolder, 0, len(ports))
	for proc, n := range ports {
		list = append(list, event.UDPHolder{Proc: proc, Ports: n})
	}
	slices.SortFunc(list, func(a, b event.UDPHolder) int {
		return cmp.Or(cmp.Compare(b.Ports, a.Ports), compareProc(a.Proc, b.Proc))
	})
	return slices.Clip(list[:min(len(list), maxUDPHolders)])
}

// udpConflict reports whether a socket at an address, without IPV6_V6ONLY, cannot have the port
// of another (inet_rcv_saddr_equal, net/ipv4/inet_connection_sock.c). A connected IPv6 socket
// that was never bound conflicts with one at 0.0.0.0, although it has an IPv6 address by then: its
// IPV6_V6ONLY is not set, as bind() to such an address does.
func udpConflict(addr event.Addr, s *UDPSocket) bool {
	other := s.Local.Addr
	switch {
	case isWildcard6(addr):
		return true
	case isWildcard4(addr):
		return !s.V6Only
	case addr == other:
		return true
	case addr.Is4():
		return isWildcard4(other) || isWildcard6(other) && !s.V6Only
	}
	return isWildcard6(other)
}

// isOwnOf reports whether the socket's address is addr, or of its family if that is unspecified.
func isOwnOf(addr, socket event.Addr) bool {
	switch {
	case isWildcard6(addr):
		return !socket.Is4()
	case isWildcard4(addr):
		return socket.Is4()
	}
	return addr == socket
}
