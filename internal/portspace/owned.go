package portspace

import "github.com/porttrace/porttrace/internal/event"

// OwnedPort is a port that a bind() owns: no connect() of the namespace can take it.
type OwnedPort struct {
	Proc    event.ProcID
	Local   event.Addr
	State   event.State // StateBound or StateListen; 0: only connections are left of it
	Before  bool        // older than the trace
	sockets int         // connections and buckets that keep it
	scan    uint32      // the last one that has found it
}

// bind notes that a socket owns the port, bound or listening.
func (t *Table) bind(e *event.Event, state event.State) {
	if e.Src.Port == 0 {
		return
	}
	n := t.Netns(e.Netns)
	o := n.addOwned(e.Src.Port)
	n.setOwnedState(o, state, e)
	o.Proc, o.Local, o.Before = e.Proc, e.Src.Addr, e.Flags.Has(event.BeforeStart)
}

// unbind notes that no socket is bound to the port, apart from connections.
func (t *Table) unbind(e *event.Event) {
	n := t.Netns(e.Netns)
	if o := n.owned[e.Src.Port]; o != nil {
		n.setOwnedState(o, 0, e)
		n.releaseIfUnused(e.Src.Port)
	}
}

// updateOwned notes that a socket keeps a port for the bind() that owns it, or no longer
// does.
func (t *Table) updateOwned(s *Space, port uint16, socket *Socket) {
	if !socket.owned() {
		t.releaseOwned(s, port)
		return
	}
	o := s.net.addOwned(port)
	o.sockets++
	if o.sockets == 1 && o.State == 0 {
		o.Proc, o.Local, o.Before = socket.Proc, s.Local, socket.Flags.Has(event.BeforeStart)
	}
}

func (t *Table) releaseOwned(s *Space, port uint16) {
	if o := s.net.owned[port]; o != nil {
		o.sockets--
		s.net.releaseIfUnused(port)
	}
}

// addOwned returns the port's entry, a new one if no bind() owned it before.
func (n *Netns) addOwned(port uint16) *OwnedPort {
	o := n.owned[port]
	if o == nil {
		o = &OwnedPort{}
		n.owned[port] = o
		n.inRange += n.usableCount(port)
	}
	return o
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
	o.State = state
	if change != 0 && n.usable.has(e.Src.Port) {
		n.bound.add(change, e.Time, e.Flags.Has(event.BeforeStart))
	}
}

// releaseIfUnused drops the port if nothing keeps it any more.
func (n *Netns) releaseIfUnused(port uint16) {
	if o := n.owned[port]; o != nil && o.State == 0 && o.sockets <= 0 {
		delete(n.owned, port)
		n.inRange -= n.usableCount(port)
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
