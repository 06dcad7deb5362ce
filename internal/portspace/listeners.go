package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// listener is one of several at a port: at another address, by SO_REUSEPORT, or in vain, since a
// socket is in LISTEN before the kernel refuses it its port (inet_csk_listen_start,
// net/ipv4/inet_connection_sock.c). The newest is the OwnedPort.
type listener struct {
	proc   event.ProcID
	local  event.Addr
	before bool
	cookie uint64
}

// maxListeners is how many are kept of a port: servers have one for each processor.
const maxListeners = 256

// isOf reports whether the event is about this listener. Those from before the start have no
// cookie, and are distinguished by address.
func (l *listener) isOf(e *event.Event) bool {
	if l.cookie != 0 && e.Cookie != 0 {
		return l.cookie == e.Cookie
	}
	return l.local == e.Src.Addr
}

func (o *OwnedPort) listener() listener { return listener{o.Proc, o.Local, o.Before, o.cookie} }

// keepListener keeps what listens at the port when the event's socket takes its place.
func (n *Netns) keepListener(e *event.Event, o *OwnedPort) {
	n.dropListener(e)
	known := o.listener()
	if o.State == event.StateListen && !known.isOf(e) && len(n.listeners[e.Src.Port]) < maxListeners {
		n.listeners[e.Src.Port] = append(n.listeners[e.Src.Port], known)
	}
}

// dropListener drops one that is not the OwnedPort.
func (n *Netns) dropListener(e *event.Event) {
	others := n.listeners[e.Src.Port]
	if i := slices.IndexFunc(others, func(l listener) bool { return l.isOf(e) }); i >= 0 {
		n.setListeners(e.Src.Port, slices.Delete(others, i, i+1))
	}
}

func (n *Netns) setListeners(port uint16, others []listener) {
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
	next := others[len(others)-1]
	n.setListeners(e.Src.Port, others[:len(others)-1])
	n.setOwnedState(o, event.StateListen, e)
	o.Proc, o.Local, o.Before, o.cookie = next.proc, next.local, next.before, next.cookie
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
	others, known := n.listeners[e.Src.Port], o.listener()
	return known.isOf(e) || len(others) >= maxListeners || slices.ContainsFunc(others, func(l listener) bool { return l.isOf(e) })
}
