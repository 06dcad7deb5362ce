package portspace

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Holder returns the socket that is in the way of a call that failed: of a connect() the one
// with the same 4-tuple, of a bind() or listen() the one that has the port on an address in
// common. It returns nil if no single socket is the reason, or if the table does not have it.
// The event must not have been added yet.
func (t *Table) Holder(e *event.Event) *event.Holder {
	switch {
	case e.Proto != event.TCP || e.Src.Port == 0:
		return nil
	case e.Reason == event.TupleTaken:
		return t.tupleHolder(e)
	case e.Reason == event.PortTaken:
		return t.portHolder(e)
	}
	return nil
}

func (t *Table) tupleHolder(e *event.Event) *event.Holder {
	port := PortOf(e)
	if socket := t.socket(port); socket != nil {
		return holderOf(&port.ID, port.Port, socket)
	}
	return nil
}

// portHolder prefers a socket that listens or is bound, then an open connection, then the
// bucket that is there for longest: the port is not free before that.
func (t *Table) portHolder(e *event.Event) *event.Holder {
	b, port := t.Netns(e.Netns).Binds(e.Device), e.Src.Port
	o := b.owned[port]
	if o != nil && o.State != 0 && o.conflicts(e.Device, e.Src.Addr) && !o.isCaller(e) {
		return &event.Holder{Proc: o.Proc, State: o.State, Local: event.Endpoint{Addr: o.Local, Port: port}}
	}
	for _, l := range slices.Backward(b.listeners[port]) {
		if l.conflicts(e.Device, e.Src.Addr) && (l.cookie == 0 || l.cookie != e.Cookie) {
			return &event.Holder{Proc: l.Proc, State: event.StateListen, Local: event.Endpoint{Addr: l.Local, Port: port}}
		}
	}
	if o != nil || b.chosen.at(port) > 0 {
		if h := t.connectionHolder(b, e); h != nil {
			return h
		}
	}
	if h, is := b.accepted[port]; is && h.Expiry > t.now && sameDevice(e.Device, h.device) && conflict(e.Src.Addr, h.Local.Addr) {
		return &h.Holder
	}
	return nil
}

// connectionHolder returns the connection or bucket at the port that keeps it for longest.
func (t *Table) connectionHolder(b *BindTable, e *event.Event) (best *event.Holder) {
	if !t.maySearch(e.Time) {
		return nil
	}
	port := e.Src.Port
	for s := range t.spaces.of(b.net) {
		socket := s.socket(port)
		if socket == nil || !s.isInWay(b, e.Device, e.Src.Addr) || socket.Cookie != 0 && socket.Cookie == e.Cookie {
			continue
		}
		if h := holderOf(&s.ID, port, socket); best == nil || compareHolders(h, best) > 0 {
			best = h
		}
	}
	return best
}

// maySearch reports whether all spaces may be searched for a port: no index has it, so a program
// that tries to bind in a loop must not keep porttrace busy. A space takes some 1 us. The time is
// that of the events, and not t.now, which a snapshot moves on: a replay finds what the live run
// found.
func (t *Table) maySearch(at event.Time) bool {
	const perSpace = 20 * time.Microsecond // 5 % of a processor
	cost := time.Duration(t.spaces.used) * perSpace
	t.searchTime = min(t.searchTime+max(at.Sub(t.searchedAt), 0), max(time.Second, cost))
	t.searchedAt = max(t.searchedAt, at)
	if t.searchTime < cost {
		return false
	}
	t.searchTime -= cost
	return true
}

func holderOf(id *ID, port uint16, socket *Socket) *event.Holder {
	h := &event.Holder{
		Proc: socket.Proc, State: socket.State, Local: event.Endpoint{Addr: id.Local, Port: port}, Remote: id.Remote,
		Outgoing: socket.Direction == event.Out,
	}
	if socket.State == event.StateTimeWait {
		h.Expiry = socket.Expiry
		if socket.Flags.Has(event.FinWait2) {
			h.State = event.StateFinWait2
		}
	}
	return h
}

// isCaller reports whether the socket is the one whose call has failed: a listen() fails after its
// own bind(). Without cookies it is taken for that if it has the same owner.
func (o *OwnedPort) isCaller(e *event.Event) bool {
	if o.cookie != 0 && e.Cookie != 0 {
		return o.cookie == e.Cookie
	}
	return e.Op == event.OpListen && o.Proc == e.Proc
}

// compareHolders returns a positive number if a keeps the port for longer than b. It returns 0
// for no two connections: what is named must not depend on the order of a map.
func compareHolders(a, b *event.Holder) int {
	open := func(h *event.Holder) int {
		if h.Expiry == 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(open(a), open(b)), cmp.Compare(a.Expiry, b.Expiry),
		compareEndpoints(a.Remote, b.Remote), compareEndpoints(a.Local, b.Local), compareProc(a.Proc, b.Proc))
}

// acceptedBucket is the bucket of an accepted connection.
type acceptedBucket struct {
	event.Holder
	device uint32 // that it is bound to, 0: none
}

// noteAccepted keeps the newest bucket of the accepted connections at a port outside the range.
// No connect() wants such a port, so the table does not follow them, but the server that is
// started again may.
func (t *Table) noteAccepted(e *event.Event) {
	if e.Direction != event.In {
		return
	}
	n := t.Netns(e.Netns)
	b := n.Binds(e.Device)
	h := acceptedBucket{event.Holder{
		Proc: cmp.Or(e.Proc, e.Listener), State: event.StateTimeWait, Local: e.Src, Remote: e.Dst, Expiry: n.BucketExpiry(e),
	}, e.Device}
	if isFinWait2(e) {
		h.State = event.StateFinWait2
	}
	if h.Expiry >= b.accepted[e.Src.Port].Expiry {
		b.accepted[e.Src.Port] = h
	}
}
