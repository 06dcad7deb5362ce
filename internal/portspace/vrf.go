package portspace

import (
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// divide puts the sockets of a namespace into the bind tables of the VRFs that it has now. The
// kernel does so when a port is bound: a socket stays where it was if its device comes into a VRF
// later, which is not known here.
func (t *Table) divide(n *Netns) {
	was := n.bindTables
	n.bindTables = bindTables{main: newBindTable(n)}
	n.main.takeovers = was.main.takeovers + 1
	if vrfOf := n.fact.VRFs.Devices(); len(vrfOf) > 0 {
		n.vrfOf, n.vrfs = vrfOf, map[uint32]*BindTable{}
	}
	for _, b := range was.allBinds() {
		b.moveTo(&n.bindTables)
	}
	for _, s := range t.spacesOf(n) {
		old := was.Binds(s.Device)
		for port, socket := range s.Each() {
			since := t.now
			if o := old.owned[port]; o != nil {
				since = o.since
			}
			s.addKeeper(port, &socket, since)
		}
	}
	for _, b := range n.allBinds() {
		b.recount()
	}
	for s := range t.spaces.of(n) {
		s.recount()
	}
}

// moveTo puts what has no connection in the table into other ones.
func (b *BindTable) moveTo(tables *bindTables) {
	for _, port := range slices.Sorted(maps.Keys(b.owned)) {
		o := b.owned[port]
		for _, l := range b.listeners[port] {
			tables.Binds(l.device).put(port, l, event.StateListen, o.since)
		}
		if o.State != 0 {
			tables.Binds(o.device).put(port, o.BoundSocket, o.State, o.since)
		}
	}
	for port, bucket := range b.accepted {
		if to := tables.Binds(bucket.device); bucket.Expiry >= to.accepted[port].Expiry {
			to.accepted[port] = bucket
		}
	}
}

// put gives a port to a socket that is bound or listens. It must be followed by recount.
func (b *BindTable) put(port uint16, socket BoundSocket, state event.State, since event.Time) {
	o := b.owned[port]
	if o == nil {
		o = &OwnedPort{since: since}
		b.owned[port] = o
	} else if o.State == event.StateListen && len(b.listeners[port]) < maxListeners {
		b.listeners[port] = append(b.listeners[port], o.BoundSocket)
	}
	o.BoundSocket, o.State = socket, state
}

// sameDevice reports whether two sockets of one bind table can be in each other's way: those that
// are bound to different devices are not (inet_bind_conflict, net/ipv4/inet_connection_sock.c).
func sameDevice(a, b uint32) bool { return a == 0 || b == 0 || a == b }
