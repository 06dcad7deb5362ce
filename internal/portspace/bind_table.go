package portspace

import (
	"iter"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// BindTable is the bind buckets of the kernel in which a socket searches for a port: those of its
// namespace, and within that of its VRF. A port that is bound in one VRF is free in another, and
// outside of both (inet_bind_bucket_match, net/ipv4/inet_hashtables.c).
type BindTable struct {
	net       *Netns
	owned     map[uint16]*OwnedPort
	inRange   int                       // of owned
	waiting   int                       // of inRange: only TIME_WAIT buckets are left of the port
	chosen    portCounts                // the sockets whose port a connect() chose
	listeners map[uint16][]BoundSocket  // by port: those beside the one of owned
	accepted  map[uint16]acceptedBucket // by port outside the range: the newest one, see noteAccepted
	takeovers uint32                    // changes of owned at a port that is also in chosen
	bound     growth
}

func newBindTable(n *Netns) BindTable {
	return BindTable{
		net: n, owned: map[uint16]*OwnedPort{}, accepted: map[uint16]acceptedBucket{}, listeners: map[uint16][]BoundSocket{},
	}
}

// bindTables are those of a namespace.
type bindTables struct {
	main  BindTable             // of the sockets outside of VRFs
	vrfs  map[uint32]*BindTable // by the index of the VRF, once they are needed
	vrfOf map[uint32]uint32     // by the index of a device: the VRF that it is in, or is; nil: there is none
}

// Binds returns the bind table of a socket that is bound to a device, 0: to none.
func (b *bindTables) Binds(device uint32) *BindTable {
	if device == 0 || b.vrfOf == nil {
		return &b.main
	}
	return b.ofVRF(b.vrfOf[device])
}

func (b *bindTables) ofVRF(vrf uint32) *BindTable {
	if vrf == 0 {
		return &b.main
	}
	known := b.vrfs[vrf]
	if known == nil {
		made := newBindTable(b.main.net)
		known = &made
		b.vrfs[vrf] = known
	}
	return known
}

// allBinds iterates over all of them, in a fixed order, by the VRF; 0: none.
func (b *bindTables) allBinds() iter.Seq2[uint32, *BindTable] {
	return func(yield func(uint32, *BindTable) bool) {
		if !yield(0, &b.main) {
			return
		}
		for _, vrf := range slices.Sorted(maps.Keys(b.vrfs)) {
			if !yield(vrf, b.vrfs[vrf]) {
				return
			}
		}
	}
}

// Owned returns how many of the ports that are not reserved a bind() owns, for whatever reason.
func (b *BindTable) Owned() int { return b.inRange }

// BoundGrowth returns how many more ports of the range are bound each second, and not yet
// connected: no end of a connection will release them.
func (b *BindTable) BoundGrowth(now event.Time) float64 { return b.bound.rate(now) }

// Bound returns how many ports that are not reserved a bind() owns, without those of which only
// TIME_WAIT buckets are left. A port counts once for each VRF in which it is bound.
func (n *Netns) Bound() (sum int) {
	for _, b := range n.allBinds() {
		sum += b.inRange - b.waiting
	}
	return sum
}

// BoundOnly returns how many of those are bound, without a connection.
func (n *Netns) BoundOnly() (sum int) {
	for _, b := range n.allBinds() {
		sum += b.bound.now
	}
	return sum
}

// EachOwned calls f for every port of the range that a bind() owns, in no order; for one that is
// bound in several VRFs more than once.
func (n *Netns) EachOwned(f func(port uint16, owned OwnedPort)) {
	for _, b := range n.allBinds() {
		b.EachOwned(f)
	}
}

// EachListener calls f for every listener, in no order. usable says that its port is one of the
// range that is not reserved.
func (n *Netns) EachListener(f func(port uint16, usable bool, l BoundSocket)) {
	for _, b := range n.allBinds() {
		b.eachListener(f)
	}
}

// empty drops all sockets of the tables.
func (b *bindTables) empty() {
	for _, one := range b.allBinds() {
		takeovers := one.takeovers
		*one = newBindTable(one.net)
		one.takeovers = takeovers + 1
	}
}

// recount counts the ports again: those that are usable have changed.
func (b *BindTable) recount() {
	b.inRange, b.waiting = 0, 0
	bound := 0
	for port, o := range b.owned {
		n := b.net.usableCount(port)
		b.inRange += n
		if o.Waiting() {
			b.waiting += n
		}
		if o.State == event.StateBound {
			bound += n
		}
	}
	b.bound = steady(bound)
}
