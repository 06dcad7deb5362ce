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
func (b *BindTable) keepListener(e *event.Event, o *OwnedPort) {
	b.dropListener(e)
	if o.State == event.StateListen && !o.isOf(e) && len(b.listeners[e.Src.Port]) < maxListeners {
		b.listeners[e.Src.Port] = append(b.listeners[e.Src.Port], o.BoundSocket)
	}
}

// dropListener drops one that is not the OwnedPort.
func (b *BindTable) dropListener(e *event.Event) {
	others := b.listeners[e.Src.Port]
	if i := slices.IndexFunc(others, func(l BoundSocket) bool { return l.isOf(e) }); i >= 0 {
		b.setListeners(e.Src.Port, slices.Delete(others, i, i+1))
	}
}

// eachListener is EachListener of one table.
func (b *BindTable) eachListener(f func(port uint16, usable bool, l BoundSocket)) {
	for port, o := range b.owned {
		if o.State != event.StateListen {
			continue
		}
		f(port, b.net.usable.has(port), o.BoundSocket)
		for _, l := range b.listeners[port] {
			f(port, b.net.usable.has(port), l)
		}
	}
}

// boundAt returns the socket without a connection that has the port at an address in common with
// local, and may be in the way of a socket that is bound to the device; and its state. nil: there is
// none.
func (b *BindTable) boundAt(port uint16, o *OwnedPort, device uint32, local event.Addr) (*BoundSocket, event.State) {
	if o.State != 0 && o.conflicts(device, local) {
		return &o.BoundSocket, o.State
	}
	if len(b.listeners) > 0 {
		for _, l := range slices.Backward(b.listeners[port]) {
			if l.conflicts(device, local) {
				return &l, event.StateListen
			}
		}
	}
	return nil, 0
}

func (b *BindTable) setListeners(port uint16, others []BoundSocket) {
	if len(others) == 0 {
		delete(b.listeners, port)
		return
	}
	b.listeners[port] = others
}

// nextListener gives the port to another one that listens there. It returns false if there is
// none.
func (b *BindTable) nextListener(e *event.Event, o *OwnedPort) bool {
	others := b.listeners[e.Src.Port]
	if len(others) == 0 {
		return false
	}
	o.BoundSocket = others[len(others)-1]
	b.setListeners(e.Src.Port, others[:len(others)-1])
	b.setOwnedState(o, event.StateListen, e)
	return true
}

// listenFailed takes back that the socket listens. It keeps its port, but not alone.
func (t *Table) listenFailed(e *event.Event) {
	b := t.Netns(e.Netns).Binds(e.Device)
	o := b.owned[e.Src.Port]
	if e.Op != event.OpListen || e.Src.Port == 0 || e.Cookie == 0 || o == nil {
		return
	}
	if o.cookie != e.Cookie {
		b.dropListener(e)
	} else if !b.nextListener(e, o) {
		b.setOwnedState(o, event.StateBound, e)
	}
}

// knowsListener reports whether a listener that a scan has found is one of those of its port, or
// one too many.
func (b *BindTable) knowsListener(e *event.Event, o *OwnedPort) bool {
	others := b.listeners[e.Src.Port]
	return o.isOf(e) || len(others) >= maxListeners || slices.ContainsFunc(others, func(l BoundSocket) bool { return l.isOf(e) })
}
