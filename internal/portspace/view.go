package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// View is a space as some sockets see it: those that draw from Range.
type View struct {
	*Space
	Range event.PortRange
	IsOwn bool // Range is that of the sockets, IP_LOCAL_PORT_RANGE
}

// Holds reports whether a port is one that connect() can hand out.
func (v View) Holds(port uint16) bool { return v.net.usable.has(port) && v.Range.Holds(port) }

// Capacity is the number of ports of the range that are not reserved, 0 where the range
// is not known.
func (v View) Capacity() int {
	if !v.IsOwn {
		return v.net.total
	}
	return v.net.usable.count(v.Range)
}

// Counts are of now. What a bind() owns is counted for every space of the namespace.
func (v View) Counts() Counts {
	c := v.counts
	owned := v.net.inRange
	if v.IsOwn {
		c, owned = Counts{}, v.net.ownedIn(v.Range)
		for port, socket := range v.Each() {
			if v.Holds(port) {
				c.add(&socket, 1)
			}
		}
	}
	c.Bound = owned - v.shared()
	return c
}

// shared is how many ports of the space's own sockets a bind() owns as well: also those
// that connect() chose and a bind() of another address took later.
func (v View) shared() int {
	n := 0
	if len(v.sockets) < len(v.net.owned) {
		for port := range v.Each() {
			if v.Holds(port) && v.net.Owns(port) {
				n++
			}
		}
		return n
	}
	for port := range v.net.owned {
		if _, is := v.sockets[uint32(port)]; is && v.Holds(port) {
			n++
		}
	}
	return n
}

// Headroom is the number of ports that connect() can still take, without those that it
// could reuse.
func (v View) Headroom() int { return v.Capacity() - v.Counts().InUse() }

// Reusable is how many TIME_WAIT buckets connect() would take over now: tcp_tw_reuse
// allows it for the pair, the bucket is old enough, and no bind() owns the port
// (tcp_twsk_unique, net/ipv4/tcp_ipv4.c). It takes TCP timestamps, which are on by default.
func (v View) Reusable(now event.Time) int {
	if !v.reuses() {
		return 0
	}
	n := 0
	for port, socket := range v.Each() {
		if socket.State == event.StateTimeWait && v.Holds(port) && v.freed(socket) <= now {
			n++
		}
	}
	return n
}

// Ends are how many TIME_WAIT buckets set their ports free within each of the next
// seconds, without those that could be reused now.
func (v View) Ends(now event.Time) []int {
	var list []int
	for port, socket := range v.Each() {
		if socket.State != event.StateTimeWait || !v.Holds(port) {
			continue
		}
		in := v.freed(socket).Sub(now)
		if in <= 0 && v.reuses() {
			continue
		}
		i := int(min(max(in, 0), slots*time.Second) / time.Second)
		for len(list) <= i {
			list = append(list, 0)
		}
		list[i]++
	}
	return list
}
