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
	device uint32 // that it is bound to, 0: none
	cookie uint64 // 0: unknown
}

// Device returns the index of the interface that the socket is bound to, 0: none.
func (s *BoundSocket) Device() uint32 { return s.device }

// isOf reports whether the event is about this socket. Those from before the start have no
// cookie, and are distinguished by address and device.
func (s *BoundSocket) isOf(e *event.Event) bool {
	if s.cookie != 0 && e.Cookie != 0 {
		return s.cookie == e.Cookie
	}
	return s.Local == e.Src.Addr && sameDevice(s.device, e.Device)
}

// OwnedPort is a port that a bind() owns: no connect() with the same BindTable can take it. Of several
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
	b := t.Netns(e.Netns).Binds(e.Device)
	before := e.Flags.Has(event.BeforeStart) || e.Kind == event.SocketFound && b.hadBefore(e)
	o := b.addOwned(e.Src.Port, e.Time)
	b.keepListener(e, o)
	b.setOwnedState(o, state, e)
	o.BoundSocket = BoundSocket{
		Proc: e.Proc, Local: e.Src.Addr, Before: before, left: e.Flags.Has(event.NotSelected), device: e.Device, cookie: e.Cookie,
	}
}

// hadBefore reports whether the socket is known to be older than the trace. A recording that
// began in the middle of a run knows that of more sockets than the run, which finds them again.
func (b *BindTable) hadBefore(e *event.Event) bool {
	o := b.owned[e.Src.Port]
	if o == nil || o.State == 0 {
		return false
	}
	return o.Before && o.isOf(e) ||
		slices.ContainsFunc(b.listeners[e.Src.Port], func(l BoundSocket) bool { return l.Before && l.isOf(e) })
}

// unbind notes that a socket is not bound to the port any more, or, if the event says neither
// which one nor at what address, as a scan does, that none is, apart from connections.
func (t *Table) unbind(e *event.Event) {
	b := t.Netns(e.Netns).Binds(e.Device)
	o := b.owned[e.Src.Port]
	if o == nil {
		return
	}
	all := e.Cookie == 0 && isWildcard6(e.Src.Addr)
	switch {
	case !all && !o.isOf(e):
		b.dropListener(e)
	case !all && b.nextListener(e, o):
	default:
		delete(b.listeners, e.Src.Port)
		b.setOwnedState(o, 0, e)
		b.releaseIfUnused(e.Src.Port)
	}
}

// addKeeper notes that a socket has its port: for the bind() that owns it, or because
// connect() chose it.
func (s *Space) addKeeper(port uint16, socket *Socket, at event.Time) {
	b := s.Binds()
	if !socket.owned() {
		b.chosen.add(port, 1)
		s.recountShared(port)
		return
	}
	o := b.addOwned(port, at)
	b.changeOwned(port, o, func() {
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
	b := s.Binds()
	if !socket.owned() {
		b.chosen.add(port, -1)
		s.recountShared(port)
		return
	}
	o := b.owned[port]
	if o == nil {
		return
	}
	b.changeOwned(port, o, func() {
		o.sockets--
		if socket.State == event.StateTimeWait {
			o.buckets--
		}
	})
	if !replaced {
		b.releaseIfUnused(port)
	}
}

// recountShared has takenOver counted again if a bind() owns the port.
func (s *Space) recountShared(port uint16) {
	if b := s.Binds(); len(b.owned) > 0 && b.Owns(port) {
		s.sharedAt = b.takeovers - 1
	}
}

// changeOwned keeps count of the ports that are Waiting while change is made.
func (b *BindTable) changeOwned(port uint16, o *OwnedPort, change func()) {
	before := o.Waiting()
	change()
	if after := o.Waiting(); after != before {
		if before {
			b.waiting -= b.net.usableCount(port)
		} else {
			b.waiting += b.net.usableCount(port)
		}
	}
}

// addOwned returns the port's entry, a new one if no bind() owned it before.
func (b *BindTable) addOwned(port uint16, at event.Time) *OwnedPort {
	o := b.owned[port]
	if o == nil {
		o = &OwnedPort{since: at}
		b.owned[port] = o
		b.inRange += b.net.usableCount(port)
		b.noteTakeover(port)
	}
	return o
}

// noteTakeover has every space count its takenOver again if a connect() chose the port.
func (b *BindTable) noteTakeover(port uint16) {
	if b.chosen.at(port) > 0 {
		b.takeovers++
	}
}

// setOwnedState changes what a port is bound for.
func (b *BindTable) setOwnedState(o *OwnedPort, state event.State, e *event.Event) {
	change := 0
	if o.State == event.StateBound {
		change--
	}
	if state == event.StateBound {
		change++
	}
	b.changeOwned(e.Src.Port, o, func() { o.State = state })
	if change != 0 && b.net.usable.has(e.Src.Port) {
		b.bound.add(change, e.Time, e.Flags.Has(event.BeforeStart))
	}
}

// releaseIfUnused drops the port if nothing keeps it any more.
func (b *BindTable) releaseIfUnused(port uint16) {
	if o := b.owned[port]; o != nil && o.State == 0 && o.sockets <= 0 {
		delete(b.owned, port)
		b.inRange -= b.net.usableCount(port)
		b.noteTakeover(port)
	}
}

// ownedIn returns the number of ports of a range that a bind() owns.
func (b *BindTable) ownedIn(r event.PortRange) int {
	sum := 0
	for port := range b.owned {
		if r.Holds(port) {
			sum += b.net.usableCount(port)
		}
	}
	return sum
}

// waitingIn returns how many of those are Waiting.
func (b *BindTable) waitingIn(r event.PortRange) int {
	sum := 0
	for port, o := range b.owned {
		if r.Holds(port) && o.Waiting() {
			sum += b.net.usableCount(port)
		}
	}
	return sum
}

// Owns reports whether a bind() owns the port.
func (b *BindTable) Owns(port uint16) bool { return b.owned[port] != nil }

// Owner returns which bind() owns the port, the zero value if none does.
func (b *BindTable) Owner(port uint16) OwnedPort {
	if o := b.owned[port]; o != nil {
		return *o
	}
	return OwnedPort{}
}

// EachOwned calls f for every port of the range that a bind() owns, in no order.
func (b *BindTable) EachOwned(f func(port uint16, owned OwnedPort)) {
	for port, o := range b.owned {
		if b.net.usable.has(port) {
			f(port, *o)
		}
	}
}
