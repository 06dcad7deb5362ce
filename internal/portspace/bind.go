package portspace

import (
	"cmp"
	"iter"

	"github.com/porttrace/porttrace/internal/event"
)

// BindOccupancy returns the ports that bind() to port 0 of a local address cannot get, for a
// socket without SO_REUSEADDR and SO_REUSEPORT: those with any owner at that address or
// at the wildcard one, and for the wildcard address those with any owner at all
// (inet_csk_find_open_port, net/ipv4/inet_connection_sock.c). For sockets bound to a device
// it is an upper bound.
func (t *Table) BindOccupancy(netns uint32, local event.Addr) event.Occupancy {
	n := t.Netns(netns)
	var live, timeWait, bound bitmap
	for _, s := range t.spaces {
		if s.net != n || !conflict(local, s.Local) {
			continue
		}
		for port, socket := range s.Each() {
			if socket.State == event.StateTimeWait {
				timeWait.add(port)
			} else {
				live.add(port)
			}
		}
	}
	for port, o := range n.owned {
		if o.State != 0 && conflict(local, o.Local) {
			bound.add(port)
		}
	}
	occupancy := event.Occupancy{Capacity: n.total}
	for i, ports := range n.usable {
		occupancy.Live += ones(ports & live[i])
		occupancy.TimeWait += ones(ports & timeWait[i] &^ live[i])
		occupancy.Bound += ones(ports & bound[i] &^ live[i] &^ timeWait[i])
	}
	return occupancy
}

// BindHolders returns the socket at each of the ports that BindOccupancy counts: an open
// connection before a bucket, and both before what is only bound.
func (t *Table) BindHolders(netns uint32, local event.Addr) iter.Seq2[uint16, Socket] {
	n := t.Netns(netns)
	held := make([]Socket, 0, min(n.total, t.Known(netns)))
	at := make([]int32, 1<<16) // by port: where in held, from 1 on; a map costs several times the time
	for _, s := range t.spaces {
		if s.net != n || !conflict(local, s.Local) {
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
	for port, o := range n.owned {
		if at[port] == 0 && o.State != 0 && n.usable.has(port) && conflict(local, o.Local) {
			held = append(held, Socket{State: o.State, Proc: o.Proc, Flags: o.flags()})
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

func (o *OwnedPort) flags() event.Flags {
	if o.Before {
		return event.BeforeStart
	}
	return 0
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
