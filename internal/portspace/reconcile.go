package portspace

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Found is the part of a scan that is compared with the table: one namespace.
type Found struct {
	*event.NetnsScan
	At event.Time // when the scan ended
	// Unsettled reports ports that something happened to while the scan was running: what
	// it says of them may be outdated.
	Unsettled func(Port) bool
}

// Reconcile compares, and returns the events that make the table what the scan has found: first
// what it found, in its order, then what is gone. The table is changed by adding those events,
// which can be done while they are iterated over. Those sockets of the scan get what the table knows
// better: events are made of them one at a time, since on a host with many sockets all of them are
// differences at first.
func (t *Table) Reconcile(found Found) iter.Seq[event.Event] {
	t.scans++
	t.seen.reset(t.sockets.made)
	r := reconciliation{table: t, Found: found, room: t.limit - t.sockets.used}
	var differ []uint32
	for i, socket := range found.Sockets.All() {
		if r.compareFound(&socket) {
			differ = append(differ, uint32(i))
			found.Sockets.Set(i, &socket)
		}
	}
	if !found.Truncated {
		r.removeUnseen()
	}
	return func(yield func(event.Event) bool) {
		for _, i := range differ {
			socket := found.Sockets.At(int(i))
			if !yield(found.Event(&socket, found.At)) {
				return
			}
		}
		for i := range r.gone {
			if !yield(found.gone(&r.gone[i])) {
				return
			}
		}
	}
}

type reconciliation struct {
	table *Table
	Found
	gone []event.FoundSocket // what the scan has not found
	room int                 // for sockets that the table does not know
}

// portOfFound is PortOf of a socket that a scan has found.
func portOfFound(scan *event.NetnsScan, f *event.FoundSocket) Port {
	id := ID{Netns: scan.Census.Netns}
	if f.Dst.Port != 0 {
		id.Device, id.Local, id.Remote = f.Device, f.Src.Addr, f.Dst
	}
	return Port{id, f.Src.Port}
}

// compareFound reports whether the table does not have a socket as the scan has found it, and
// completes that.
func (r *reconciliation) compareFound(found *event.FoundSocket) bool {
	port := portOfFound(r.NetnsScan, found)
	known := r.table.markSeen(port, found.Device)
	bucket := found.State == event.StateTimeWait
	if r.Unsettled(port) || bucket && found.Expiry <= r.At {
		return false
	}
	e := r.Event(found, r.At)
	if !r.table.OccupiesRange(&e) && !r.followed(known, &e) {
		return false
	}
	differs := false
	if e.Dst.Known() {
		differs = r.socketDiffers(known, &e)
	} else {
		differs = r.ownedDiffers(&e)
	}
	if differs && bucket && e.Direction == event.Out && !e.Proc.Known() && !e.Flags.Has(event.BeforeStart) {
		r.table.Netns(e.Netns).grant(&e)
	}
	found.Proc, found.Direction, found.Flags, found.State, found.Inferred = e.Proc, e.Direction, e.Flags, e.State, e.Inferred
	return differs
}

// followed reports whether the table keeps or has a socket outside the port range. What listens
// or is bound there is in no connect()'s way, but in that of a bind().
func (r *reconciliation) followed(known *Socket, e *event.Event) bool {
	return !e.Dst.Known() || known != nil || r.table.follows(e)
}

// markSeen notes that the scan that is being compared has found the port's socket. It returns the
// socket that the table has in its connect space, nil if it has none. device is that of the socket.
func (t *Table) markSeen(p Port, device uint32) *Socket {
	if !p.Remote.Known() {
		if o := t.Netns(p.Netns).Binds(device).owned[p.Port]; o != nil {
			o.scan = t.scans
		}
		return nil
	}
	s := t.spaces.find(&p.ID)
	if s == nil {
		return nil
	}
	n := t.sockets.find(s.number, p.Port)
	if n == 0 {
		return nil
	}
	t.seen.add(n)
	return &t.sockets.at(n).Socket
}

// ownedDiffers reports whether the table knows less of a bound port than the scan. It fills
// in the owner that the table knows.
func (r *reconciliation) ownedDiffers(e *event.Event) bool {
	b := r.table.Netns(e.Netns).Binds(e.Device)
	o := b.owned[e.Src.Port]
	if o == nil || o.State == 0 || e.State == event.StateListen && o.State == e.State && !b.knowsListener(e, o) {
		return true
	}
	if !e.Proc.Known() {
		e.Proc = o.Proc
	}
	// Of several bound sockets at a port the table knows one.
	return !o.Proc.Known() && e.Proc.Known()
}

// socketDiffers reports whether the table has another socket at the port, or in another
// state. It fills in what the table knows better than a scan can: which process opened it.
func (r *reconciliation) socketDiffers(known *Socket, e *event.Event) bool {
	if known == nil {
		r.room--
		return r.room >= 0
	}
	if known.Cookie != 0 && e.Cookie != 0 && known.Cookie != e.Cookie {
		return true
	}
	if !r.Census.Bound { // sock_diag does not show timestamps
		e.Flags |= known.Flags & event.NoTimestamps
	}
	if e.State == event.StateSynSent && class(known.State) != event.StateTimeWait {
		e.State = known.State // counted as SYN_SENT only from the first retransmission on
	}
	changed := class(known.State) != class(e.State) ||
		!known.Proc.Known() && e.Proc.Known() ||
		r.Census.Bound && known.owned() != e.Flags.Has(event.OwnedByBind) ||
		e.State == event.StateTimeWait && known.timerRestarted(e)
	known.complete(e)
	return changed
}

// complete fills in what the table knows better than a scan.
func (s *Socket) complete(e *event.Event) {
	known := event.BeforeStart
	if s.Proc.Known() {
		e.Proc = s.Proc
		known |= event.NotSelected
	}
	if s.Direction != event.Unknown {
		e.Direction = s.Direction
	}
	e.Flags = e.Flags&^known | s.Flags&known
}

// class puts the states together that the stream does not distinguish.
func class(s event.State) event.State {
	switch s {
	case event.StateTimeWait, event.StateSynSent, event.StateCloseWait:
		return s
	}
	return event.StateEstablished
}

// timerRestarted reports whether the bucket is of another kind than is known, or its timer
// was set again, because the peer's FIN has come. Predictions are off by up to a second.
func (s *Socket) timerRestarted(found *event.Event) bool {
	return (s.Flags^found.Flags)&(event.FinWait2|event.NoTimestamps) != 0 || s.Expiry.Sub(found.Last).Abs() > 3*time.Second
}

// removeUnseen appends a SocketGone for what the table has and the scan has not found.
func (r *reconciliation) removeUnseen() {
	n := r.table.Netns(r.Census.Netns)
	if r.Census.Bound {
		for vrf, b := range n.allBinds() {
			r.removeUnseenOwned(vrf, b)
		}
	}
	var unseen []Socket
	for _, s := range r.table.spacesOf(n) {
		unseen = unseen[:0]
		for i, socket := range s.records() {
			if !r.table.seen.has(i) && r.covers(Port{s.ID, socket.port}) {
				unseen = append(unseen, *socket)
			}
		}
		sortByPort(unseen)
		for i := range unseen {
			r.noteGone(Port{s.ID, unseen[i].port}, &unseen[i])
		}
	}
}

// removeUnseenOwned does that for what is bound or listens in a VRF.
func (r *reconciliation) removeUnseenOwned(vrf uint32, b *BindTable) {
	for _, port := range slices.Sorted(maps.Keys(b.owned)) {
		o := b.owned[port]
		if p := (Port{ID{Netns: r.Census.Netns}, port}); o.State != 0 && o.scan != r.table.scans && r.coversOwned(p, o) {
			p.Device = vrf
			r.noteGone(p, &Socket{Proc: o.Proc})
		}
	}
}

// covers reports whether the scan would have found a socket at the port.
func (r *reconciliation) covers(p Port) bool {
	return (!r.Ports.Known() || r.Ports.Holds(p.Port)) && !r.Unsettled(p)
}

// coversOwned reports the same of a port that a bind() owns: those that are only bound are
// found wherever they are.
func (r *reconciliation) coversOwned(p Port, o *OwnedPort) bool {
	return r.covers(p) || o.State == event.StateBound && !r.Unsettled(p)
}

func (r *reconciliation) noteGone(p Port, socket *Socket) {
	r.gone = append(r.gone, event.FoundSocket{
		Direction: socket.Direction, Device: p.Device, Proc: socket.Proc, Flags: socket.Flags & event.NotSelected,
		Src: event.Endpoint{Addr: p.Local, Port: p.Port}, Dst: p.Remote,
	})
}

// gone returns the SocketGone of a socket.
func (f *Found) gone(socket *event.FoundSocket) event.Event {
	e := event.Event{
		Time: f.At, Kind: event.SocketGone, Direction: socket.Direction, Proto: event.TCP, Netns: f.Census.Netns, Device: socket.Device,
		Proc: socket.Proc, Flags: socket.Flags, Src: socket.Src, Dst: socket.Dst, Count: 1,
	}
	if socket.Direction == event.In {
		e.Listener = f.Listeners[socket.Src.Port]
	}
	return e
}
