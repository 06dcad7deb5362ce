package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// BoundSocket is a socket that is bound to a port, or listens.
type BoundSocket struct {
	Proc   event.ProcID
	Local  event.Addr
	Before bool   // older than the trace
	left   bool   // the user's filter leaves it out
	cookie uint64 // 0: unknown
}

// isOf reports whether the event is about this socket. Those from before the start have no
// cookie, and are distinguished by address.
func (s *BoundSocket) isOf(e *event.Event) bool {
	if s.cookie != 0 && e.Cookie != 0 {
		return s.cookie == e.Cookie
	}
	return s.Local == e.Src.Addr
}

// OwnedPort is a port that a bind() owns: no connect() of the namespace can take it. Of several
// sockets at the port it has the newest.
type OwnedPort struct {
	BoundSocket
	State   event.State // StateBound or StateListen; 0: only connections are left of it
	since   event.Time  // when a bind() took it
	sockets int         // connections and buckets that keep it
	buckets int         // of sockets
	expiry  event.Time  // of the bucket that was made last
	scan    uint32      // the last one that has found it
}

// Waiting reports whether only TIME_WAIT buckets are left of the port: they keep it from
// every connect(), and release it when their timers end.
func (o *OwnedPort) Waiting() bool { return o.State == 0 && o.sockets > 0 && o.buckets == o.sockets }

// bind notes that a socket owns the port, bound or listening.
func (t *Table) bind(e *event.Event, state event.State) {
	if e.Src.Port == 0 {
		return
	}
	n := t.Netns(e.Netns)
	before := e.Flags.Has(event.BeforeStart) || e.Kind == event.SocketFound && n.hadBefore(e)
	o := n.addOwned(e.Src.Port, e.Time)
	n.keepListener(e, o)
	n.setOwnedState(o, state, e)
	o.BoundSocket = BoundSocket{e.Proc, e.Src.Addr, before, e.Flags.Has(event.NotSelected), e.Cookie}
}

// hadBefore reports whether the socket is known to be older than the trace. A recording that
// began in the middle of a run knows that of more sockets than the run, which finds them again.
func (n *Netns) hadBefore(e *event.Event) bool {
	o := n.owned[e.Src.Port]
	if o == nil || o.State == 0 {
		return false
	}
	return o.Before && o.isOf(e) ||
		slices.ContainsFunc(n.listeners[e.Src.Port], func(l BoundSocket) bool { return l.Before && l.isOf(e) })
}

// unbind notes that a socket is not bound to the port any more, or, if the event says neither
// which one nor at what address, as a scan does, that none is, apart from connections.
func (t *Table) unbind(e *event.Event) {
	n := t.Netns(e.Netns)
	o := n.owned[e.Src.Port]
	if o == nil {
		return
	}
	all := e.Cookie == 0 && isWildcard6(e.Src.Addr)
	switch {
	case !all && !o.isOf(e):
		n.dropListener(e)
	case !all && n.nextListener(e, o):
	default:
		delete(n.listeners, e.Src.Port)
		n.setOwnedState(o, 0, e)
		n.releaseIfUnused(e.Src.Port)
	}
}

// addKeeper notes that a socket has its port: for the bind() that owns it, or because
// connect() chose it.
func (s *Space) addKeeper(port uint16, socket *Socket, at event.Time) {
	n := s.net
	if !socket.owned() {
		n.chosen.add(port, 1)
		s.recountShared(port)
		return
	}
	o := n.addOwned(port, at)
	n.changeOwned(port, o, func() {
		o.sockets++
		if socket.State == event.StateTimeWait {
			o.buckets++
			o.expiry = socket.Expiry
		}
	})
	if o.sockets == 1 && o.State == 0 {
		o.Proc, o.Local, o.Before = socket.Proc, s.Local, socket.Flags.Has(event.BeforeStart)
	}
}

// removeKeeper notes that a socket no longer has its port. replaced says that another one
// has it, for a bind() as well.
func (s *Space) removeKeeper(port uint16, socket *Socket, replaced bool) {
	n := s.net
	if !socket.owned() {
		n.chosen.add(port, -1)
		s.recountShared(port)
		return
	}
	o := n.owned[port]
	if o == nil {
		return
	}
	n.changeOwned(port, o, func() {
		o.sockets--
		if socket.State == event.StateTimeWait {
			o.buckets--
		}
	})
	if !replaced {
		n.releaseIfUnused(port)
	}
}

// recountShared has takenOver counted again if a bind() owns the port.
func (s *Space) recountShared(port uint16) {
	if len(s.net.owned) > 0 && s.net.Owns(port) {
		s.sharedAt = s.net.takeovers - 1
	}
}

// changeOwned keeps count of the ports that are Waiting while change is made.
func (n *Netns) changeOwned(port uint16, o *OwnedPort, change func()) {
	before := o.Waiting()
	change()
	if after := o.Waiting(); after != before {
		if before {
			n.waiting -= n.usableCount(port)
		} else {
			n.waiting += n.usableCount(port)
		}
	}
}

// addOwned returns the port's entry, a new one if no bind() owned it before.
func (n *Netns) addOwned(port uint16, at event.Time) *OwnedPort {
	o := n.owned[port]
	if o == nil {
		o = &OwnedPort{since: at}
		n.owned[port] = o
		n.inRange += n.usableCount(port)
		n.noteTakeover(port)
	}
	return o
}

// noteTakeover has every space count its takenOver again if a connect() chose the port.
func (n *Netns) noteTakeover(port uint16) {
	if n.chosen.at(port) > 0 {
		n.takeovers++
	}
}

// setOwnedState changes what a port is bound for.
func (n *Netns) setOwnedState(o *OwnedPort, state event.State, e *event.Event) {
	change := 0
	if o.State == event.StateBound {
		change--
	}
	if state == event.StateBound {
		change++
	}
	n.changeOwned(e.Src.Port, o, func() { o.State = state })
	if change != 0 && n.usable.has(e.Src.Port) {
		n.bound.add(change, e.Time, e.Flags.Has(event.BeforeStart))
	}
}

// releaseIfUnused drops the port if nothing keeps it any more.
func (n *Netns) releaseIfUnused(port uint16) {
	if o := n.owned[port]; o != nil && o.State == 0 && o.sockets <= 0 {
		delete(n.owned, port)
		n.inRange -= n.usableCount(port)
		n.noteTakeover(port)
	}
}

// ownedIn returns the number of ports of a range that a bind() owns.
func (n *Netns) ownedIn(r event.PortRange) int {
	sum := 0
	for port := range n.owned {
		if r.Holds(port) {
			sum += n.usableCount(port)
		}
	}
	return sum
}

// waitingIn returns how many of those are Waiting.
func (n *Netns) waitingIn(r event.PortRange) int {
	sum := 0
	for port, o := range n.owned {
		if r.Holds(port) && o.Waiting() {
			sum += n.usableCount(port)
		}
	}
	return sum
}

// Owns reports whether a bind() owns the port.
func (n *Netns) Owns(port uint16) bool { return n.owned[port] != nil }

// Owner returns which bind() owns the port, the zero value if none does.
func (n *Netns) Owner(port uint16) OwnedPort {
	if o := n.owned[port]; o != nil {
		return *o
	}
	return OwnedPort{}
}

// EachOwned calls f for every port of the range that a bind() owns, in no order.
func (n *Netns) EachOwned(f func(port uint16, owned OwnedPort)) {
	for port, o := range n.owned {
		if n.usable.has(port) {
			f(port, *o)
		}
	}
}
