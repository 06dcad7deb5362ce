package portspace

import (
	"cmp"
	"iter"

	"github.com/porttrace/porttrace/internal/event"
)

// BindID identifies a bind space: the namespace, the device that the socket is bound to, 0: none,
// and the local address.
type BindID struct {
	Netns, Device uint32
	Local         event.Addr
}

// BindOccupancy returns the ports that bind() to port 0 of a local address cannot get, for a
// socket without SO_REUSEADDR and SO_REUSEPORT: those with any owner at that address or
// at the wildcard one, and for the wildcard address those with any owner at all
// (inet_csk_find_open_port, net/ipv4/inet_connection_sock.c). Sockets of another VRF, or bound to
// another device, are not in the way.
func (t *Table) BindOccupancy(id BindID) event.Occupancy { return t.BindOccupancies([]BindID{id})[0] }

// bindPorts are the ports in the way of a bind(), by what is there.
type bindPorts struct{ live, timeWait, bound bitmap }

// BindOccupancies returns the same for several addresses, in one pass over the sockets.
func (t *Table) BindOccupancies(ids []BindID) []event.Occupancy {
	ports := make([]bindPorts, len(ids))
	var concerned []*bindPorts
	for s := range t.spaces.all() {
		concerned = concerned[:0]
		for i, id := range ids {
			if s.Netns == id.Netns && s.isInWay(s.net.Binds(id.Device), id.Device, id.Local) {
				concerned = append(concerned, &ports[i])
			}
		}
		if len(concerned) > 0 {
			s.addTo(concerned)
		}
	}
	list := make([]event.Occupancy, len(ids))
	for i, id := range ids {
		b := t.Netns(id.Netns).Binds(id.Device)
		for port, o := range b.owned {
			if socket, _ := b.boundAt(port, o, id.Device, id.Local); socket != nil {
				ports[i].bound.add(port)
			}
		}
		list[i] = ports[i].occupancy(b.net)
	}
	return list
}

// addTo adds the ports of the space.
func (s *Space) addTo(all []*bindPorts) {
	for port, socket := range s.Each() {
		for _, p := range all {
			if socket.State == event.StateTimeWait {
				p.timeWait.add(port)
			} else {
				p.live.add(port)
			}
		}
	}
}

func (p *bindPorts) occupancy(n *Netns) event.Occupancy {
	o := event.Occupancy{Capacity: n.total}
	for i, ports := range n.usable {
		o.Live += ones(ports & p.live[i])
		o.TimeWait += ones(ports & p.timeWait[i] &^ p.live[i])
		o.Bound += ones(ports & p.bound[i] &^ p.live[i] &^ p.timeWait[i])
	}
	return o
}

// BindHolders returns the socket at each of the ports that BindOccupancy counts: an open
// connection before a bucket, and both before what is only bound.
func (t *Table) BindHolders(id BindID) iter.Seq2[uint16, Socket] {
	n := t.Netns(id.Netns)
	b := n.Binds(id.Device)
	held := make([]Socket, 0, min(n.total, t.Known(id.Netns)))
	at := make([]int32, 1<<16) // by port: where in held, from 1 on; a map costs several times the time
	for s := range t.spaces.of(n) {
		if !s.isInWay(b, id.Device, id.Local) {
			continue
		}
		for port, socket := range s.Each() {
			switch known := at[port]; {
			case !n.usable.has(port):
			case known == 0:
				held = append(held, socket)
				at[port] = int32(len(held))
			case compareSockets(&socket, &held[known-1]) > 0:
				held[known-1] = socket
			}
		}
	}
	for port, o := range b.owned {
		if at[port] != 0 || !n.usable.has(port) {
			continue
		}
		if socket, state := b.boundAt(port, o, id.Device, id.Local); socket != nil {
			held = append(held, Socket{State: state, Proc: socket.Proc, Flags: socket.flags()})
			at[port] = int32(len(held))
		}
	}
	return func(yield func(uint16, Socket) bool) {
		for port, i := range at {
			if i > 0 && !yield(uint16(port), held[i-1]) {
				return
			}
		}
	}
}

// compareSockets returns a positive number if a says more of who holds a port than b does: an
// open connection more than a bucket, and the bucket that is there for longer. For two that say
// the same it is the same socket each time.
func compareSockets(a, b *Socket) int {
	open := func(s *Socket) int {
		if s.State != event.StateTimeWait {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(open(a), open(b)), cmp.Compare(a.Expiry, b.Expiry), compareProc(a.Proc, b.Proc),
		cmp.Compare(a.State, b.State), cmp.Compare(a.Flags, b.Flags))
}

func compareProc(a, b event.ProcID) int {
	return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.Start, b.Start))
}

func (s *BoundSocket) flags() event.Flags {
	if s.Before {
		return event.BeforeStart
	}
	return 0
}

// isInWay reports whether sockets of the space can be in the way of a bind() to an address that
// searches a bind table, by a socket that is bound to the device.
func (s *Space) isInWay(b *BindTable, device uint32, local event.Addr) bool {
	return conflict(local, s.Local) && sameDevice(device, s.Device) && s.Binds() == b
}

// conflicts reports the same of a socket of the table that is bound or listens.
func (s *BoundSocket) conflicts(device uint32, local event.Addr) bool {
	return conflict(local, s.Local) && sameDevice(device, s.device)
}

// conflict reports whether two sockets cannot share a port: they have an address in
// common. The wildcard of IPv6 takes in IPv4, unless the socket is IPV6_V6ONLY, which is
// not known here.
func conflict(a, b event.Addr) bool {
	switch {
	case a == b, isWildcard6(a), isWildcard6(b):
		return true
	case isWildcard4(a):
		return b.Is4()
	case isWildcard4(b):
		return a.Is4()
	}
	return false
}

func isWildcard6(a event.Addr) bool { return a == event.Addr{} }

var wildcard4 = event.Addr{10: 0xff, 11: 0xff}

func isWildcard4(a event.Addr) bool { return a == wildcard4 }
