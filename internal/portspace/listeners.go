package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// maxListeners is how many are kept of a port: servers have one for each processor.
const maxListeners = 256

// keepListener keeps what listens at the port when the event's socket takes its place. Several
// listen at one port at different addresses, by SO_REUSEPORT, or in vain, since a socket is in
// LISTEN before the kernel refuses it its port (inet_csk_listen_start,
// net/ipv4/inet_connection_sock.c). The newest is the OwnedPort.
func (n *Netns) keepListener(e *event.Event, o *OwnedPort) {
	n.dropListener(e)
	if o.State == event.StateListen && !o.isOf(e) && len(n.listeners[e.Src.Port]) < maxListeners {
		n.listeners[e.Src.Port] = append(n.listeners[e.Src.Port], o.BoundSocket)
	}
}

// dropListener drops one that is not the OwnedPort.
func (n *Netns) dropListener(e *event.Event) {
	others := n.listeners[e.Src.Port]
	if i := slices.IndexFunc(others, func(l BoundSocket) bool { return l.isOf(e) }); i >= 0 {
		n.setListeners(e.Src.Port, slices.Delete(others, i, i+1))
	}
}

// EachListener calls f for every listener, in no order. usable says that its port is one of the
// range that is not reserved.
func (n *Netns) EachListener(f func(port uint16, usable bool, l BoundSocket)) {
	for port, o := range n.owned {
		if o.State != event.StateListen {
			continue
		}
		f(port, n.usable.has(port), o.BoundSocket)
		for _, l := range n.listeners[port] {
			f(port, n.usable.has(port), l)
		}
	}
}

// boundAt returns the socket without a connection that has the port at an address in common with
// local, and its state; nil: there is none.
func (n *Netns) boundAt(port uint16, o *OwnedPort, local event.Addr) (*BoundSocket, event.State) {
	if o.State != 0 && conflict(local, o.Local) {
		return &o.BoundSocket, o.State
	}
	if len(n.listeners) > 0 {
		for _, l := range slices.Backward(n.listeners[port]) {
			if conflict(local, l.Local) {
				return &l, event.StateListen
			}
		}
	}
	return nil, 0
}

func (n *Netns) setListeners(port uint16, others []BoundSocket) {
	if len(others) == 0 {
		delete(n.listeners, port)
		return
	}
	n.listeners[port] = others
}

// nextListener gives the port to another one that listens there. It returns false if there is
// none.
func (n *Netns) nextListener(e *event.Event, o *OwnedPort) bool {
	others := n.listeners[e.Src.Port]
	if len(others) == 0 {
		return false
	}
	o.BoundSocket = others[len(others)-1]
	n.setListeners(e.Src.Port, others[:len(others)-1])
	n.setOwnedState(o, event.StateListen, e)
	return true
}

// listenFailed takes back that the socket listens. It keeps its port, but not alone.
func (t *Table) listenFailed(e *event.Event) {
	n := t.Netns(e.Netns)
	o := n.owned[e.Src.Port]
	if e.Op != event.OpListen || e.Src.Port == 0 || e.Cookie == 0 || o == nil {
		return
	}
	if o.cookie != e.Cookie {
		n.dropListener(e)
	} else if !n.nextListener(e, o) {
		n.setOwnedState(o, event.StateBound, e)
	}
}

// knowsListener reports whether a listener that a scan has found is one of those of its port, or
// one too many.
func (n *Netns) knowsListener(e *event.Event, o *OwnedPort) bool {
	others := n.listeners[e.Src.Port]
	return o.isOf(e) || len(others) >= maxListeners || slices.ContainsFunc(others, func(l BoundSocket) bool { return l.isOf(e) })
}
