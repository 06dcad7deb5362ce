package portspace

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// View is a space as sockets see it that allocate from Range.
type View struct {
	*Space
	Range event.PortRange
	IsOwn bool // Range is that of the sockets, IP_LOCAL_PORT_RANGE
}

// Holds reports whether connect() can allocate the port.
func (v View) Holds(port uint16) bool { return v.net.usable.has(port) && v.Range.Holds(port) }

// Capacity returns the number of ports of the range that are not reserved, 0 if the range
// is not known.
func (v View) Capacity() int {
	if !v.IsOwn {
		return v.net.total
	}
	return v.net.usable.count(v.Range)
}

// Occupancy returns how full the space is now. What a bind() owns is counted for every
// space of the namespace.
func (v View) Occupancy(now event.Time) event.Occupancy {
	t, owned := v.tally, v.net.inRange
	if v.IsOwn {
		t, owned = tally{}, v.net.ownedIn(v.Range)
		for port, socket := range v.Each() {
			if v.Holds(port) {
				t.add(&socket, 1)
			}
		}
	}
	return event.Occupancy{
		Capacity: v.Capacity(), Live: t.live, SynSent: t.synSent, CloseWait: t.closeWait, TimeWait: t.timeWait,
		Bound: owned - v.shared(), Reusable: v.reusable(now),
	}
}

// shared returns how many ports of the space's own sockets a bind() owns as well: also
// those that connect() chose and a bind() of another address took later.
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

// reusable returns how many TIME_WAIT buckets connect() would take over now: tcp_tw_reuse
// allows it for the pair, the bucket is old enough, and no bind() owns the port
// (tcp_twsk_unique, net/ipv4/tcp_ipv4.c). It takes TCP timestamps, which are on by default.
func (v View) reusable(now event.Time) int {
	if !v.reuses() {
		return 0
	}
	n := 0
	for port, socket := range v.Each() {
		if socket.State == event.StateTimeWait && v.Holds(port) && v.releasedAt(socket) <= now {
			n++
		}
	}
	return n
}

// Expiring returns how many TIME_WAIT buckets release their ports within each of the next
// seconds, without those that could be reused now.
func (v View) Expiring(now event.Time) []int {
	var list []int
	for port, socket := range v.Each() {
		if socket.State != event.StateTimeWait || !v.Holds(port) {
			continue
		}
		in := v.releasedAt(socket).Sub(now)
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

// topHolder returns the process that holds most of the ports, zero if that is not known.
func (v View) topHolder() event.ProcID {
	held := map[event.ProcID]int{}
	for port, socket := range v.Each() {
		if v.Holds(port) {
			held[socket.Proc]++
		}
	}
	v.net.EachOwned(func(port uint16, o OwnedPort) {
		if _, counted := v.sockets[uint32(port)]; !counted && v.Range.Holds(port) {
			held[o.Proc]++
		}
	})
	var top event.ProcID
	for id, n := range held {
		if cmp.Or(cmp.Compare(n, held[top]), cmp.Compare(top.PID, id.PID), cmp.Compare(top.Start, id.Start)) > 0 {
			top = id
		}
	}
	return top
}
