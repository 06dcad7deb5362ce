package portspace

import (
	"cmp"
	"iter"
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

// Each iterates over the sockets of the space that matter to the view, by port, in no order.
func (v View) Each() iter.Seq2[uint16, Socket] {
	if !v.IsOwn || v.Range.Size() >= int(v.held) {
		return v.Space.Each()
	}
	return func(yield func(uint16, Socket) bool) { // workers have narrow ranges of a large space
		for port := int(v.Range.Low); port <= int(v.Range.High); port++ {
			if socket := v.socket(uint16(port)); socket != nil && !yield(uint16(port), *socket) {
				return
			}
		}
	}
}

// AtMost returns an upper bound of the InUse of Occupancy, and is cheap enough for every space.
func (v View) AtMost() int {
	if !v.IsOwn {
		return v.InUse()
	}
	return min(int(v.held)+v.Binds().inRange, v.Range.Size())
}

// Occupancy returns how full the space is now. What a bind() owns is counted for every
// space of its BindTable.
func (v View) Occupancy(now event.Time) event.Occupancy {
	binds := v.Binds()
	t, owned, waiting := v.tally, binds.inRange, binds.waiting
	if v.IsOwn {
		t, owned, waiting = tally{}, binds.ownedIn(v.Range), binds.waitingIn(v.Range)
		for port, socket := range v.Each() {
			if v.Holds(port) {
				t.add(&socket, 1)
			}
		}
	}
	elsewhere := 0
	if waiting > 0 {
		elsewhere = waiting - v.ownWaiting()
	}
	return event.Occupancy{
		Capacity: v.Capacity(), Live: int(t.live), SynSent: int(t.synSent), CloseWait: int(t.closeWait),
		TimeWait: int(t.timeWait) + elsewhere, FinWait2: int(t.finWait2), Bound: owned - v.overlapping() - elsewhere, Reusable: v.reusable(now),
	}
}

// overlapping returns how many ports of the space's own sockets a bind() owns as well: also
// those that connect() chose and a bind() of another address took later.
func (v View) overlapping() int {
	if v.IsOwn {
		return v.overlap()
	}
	return int(v.tally.owned) + v.takenOver()
}

// IsPlain reports whether the view is of the whole range, and a bind() owns none of the ports that
// its sockets have: EachHolding says all of them then.
func (v View) IsPlain() bool { return !v.IsOwn && v.overlapping() == 0 }

// overlap counts overlapping.
func (v View) overlap() int {
	n := 0
	if int(v.held) < len(v.Binds().owned) {
		for port := range v.Each() {
			if v.Holds(port) && v.Owns(port) {
				n++
			}
		}
		return n
	}
	for port := range v.Binds().owned {
		if v.socket(port) != nil && v.Holds(port) {
			n++
		}
	}
	return n
}

// ownWaiting returns how many of the ports that are Waiting hold a socket of the space: they
// are counted by its state.
func (v View) ownWaiting() int {
	n := 0
	for port := range v.Each() {
		if o := v.Binds().owned[port]; o != nil && o.Waiting() && v.Holds(port) {
			n++
		}
	}
	return n
}

// reusable returns how many TIME_WAIT buckets connect() would take over now: tcp_tw_reuse
// allows it for the pair, the bucket is old enough, and nothing keeps it.
func (v View) reusable(now event.Time) int {
	if !v.reuses() {
		return 0
	}
	if !v.IsOwn {
		return v.reusableAt(now)
	}
	n := 0
	for port, socket := range v.Each() {
		if v.isReusable(port, &socket, now) {
			n++
		}
	}
	return n
}

func (v View) isReusable(port uint16, socket *Socket, now event.Time) bool {
	return socket.State == event.StateTimeWait && v.reuses() && v.Holds(port) && !v.isKept(port, socket) && v.reusableFrom(socket) <= now
}

// FullSince returns since when connect() has found no port, reusable ones counted; 0: it
// finds one. A port was taken last then, by a socket of the space or by a bind().
func (v View) FullSince(now event.Time) event.Time {
	if o := v.Occupancy(now); !o.IsFull() {
		return 0
	}
	since := max(v.tookAt, v.net.narrowedAt)
	for port, o := range v.Binds().owned {
		if o.since > since && v.Holds(port) && v.lostPort(port, o.since) {
			since = o.since
		}
	}
	return since
}

// lostPort reports whether a bind() at that moment took a port that connect() could have had.
func (v View) lostPort(port uint16, at event.Time) bool {
	socket := v.socket(port)
	if socket == nil || socket.owned() {
		return true
	}
	const kept = event.NoTimestamps | event.FinWait2
	return socket.State == event.StateTimeWait && v.reuses() && socket.Flags&kept == 0 && v.reusableFrom(socket) <= at
}

// Expiring returns how many TIME_WAIT buckets release their ports within each of the next
// seconds, without those that could be reused now.
func (v View) Expiring(now event.Time) []int {
	var list []int
	add := func(at event.Time) {
		i := int(min(max(at.Sub(now), 0), slots*time.Second) / time.Second)
		for len(list) <= i {
			list = append(list, 0)
		}
		list[i]++
	}
	if v.IsOwn || v.reusable(now) < int(v.tally.timeWait) { // else there is nothing to wait for
		v.eachWaiting(now, add)
	}
	if v.Binds().waiting > 0 {
		for port, o := range v.Binds().owned {
			if o.Waiting() && v.Holds(port) && v.socket(port) == nil {
				add(o.expiry)
			}
		}
	}
	return list
}

// eachWaiting calls f with the moment at which each bucket releases its port that cannot be reused
// now.
func (v View) eachWaiting(now event.Time, f func(event.Time)) {
	owns, reuses := v.OwnedPorts(), v.reuses()
	for port, socket := range v.Each() {
		if socket.State != event.StateTimeWait || !v.Holds(port) {
			continue
		}
		at := socket.Expiry
		switch {
		case owns(port):
			if !v.Binds().owned[port].Waiting() { // its end does not release it
				continue
			}
		case reuses && !v.keepsItself(&socket):
			if at = v.reusableFrom(&socket); at <= now {
				continue
			}
		}
		f(at)
	}
}

// topHolder returns the process that holds most of the ports, zero if that is not known.
func (v View) topHolder() event.ProcID {
	held := map[event.ProcID]int{}
	for port, socket := range v.Each() {
		if v.Holds(port) {
			held[socket.Proc]++
		}
	}
	v.Binds().EachOwned(func(port uint16, o OwnedPort) {
		if v.Range.Holds(port) && v.socket(port) == nil {
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
