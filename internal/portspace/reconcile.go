package portspace

import (
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

// Reconcile appends the events that make the table what the scan has found: first what it
// found, in its order, then what is gone. The table is changed by adding those events.
func (t *Table) Reconcile(dst []event.Event, found Found) []event.Event {
	t.scans++
	r := reconciliation{table: t, Found: found, changes: dst, room: t.limit - t.sockets}
	for i := range found.Sockets {
		r.compareFound(&found.Sockets[i])
	}
	if !found.Truncated {
		r.removeUnseen()
	}
	return r.changes
}

type reconciliation struct {
	table *Table
	Found
	changes []event.Event
	room    int // for sockets that the table does not know
}

// compareFound appends a socket that the scan has found if the table does not have it so.
func (r *reconciliation) compareFound(found *event.Event) {
	port := PortOf(found)
	r.table.markSeen(port)
	bucket := found.State == event.StateTimeWait
	if r.Unsettled(port) || bucket && found.Last <= r.At {
		return
	}
	e := *found
	e.Time = r.At
	if !r.table.OccupiesRange(&e) && !r.followed(port, &e) {
		return
	}
	differs := r.socketDiffers
	if !e.Dst.Known() {
		differs = r.ownedDiffers
	}
	if differs(port, &e) {
		if bucket && e.Direction == event.Out && !e.Proc.Known() && !e.Flags.Has(event.BeforeStart) {
			r.table.Netns(e.Netns).grant(&e)
		}
		r.changes = append(r.changes, e)
	}
}

// followed reports whether the table keeps or has a socket outside the port range. What listens
// or is bound there is in no connect()'s way, but in that of a bind().
func (r *reconciliation) followed(port Port, e *event.Event) bool {
	if !e.Dst.Known() {
		return true
	}
	_, is := r.table.socket(port)
	return is || r.table.follows(e)
}

// markSeen notes that the scan that is being compared has found the port's socket.
func (t *Table) markSeen(p Port) {
	if !p.Remote.Known() {
		if o := t.Netns(p.Netns).owned[p.Port]; o != nil {
			o.scan = t.scans
		}
		return
	}
	if socket, is := t.socket(p); is {
		socket.scan = t.scans
		t.spaces[p.ID].sockets[uint32(p.Port)] = socket
	}
}

// ownedDiffers reports whether the table knows less of a bound port than the scan. It fills
// in the owner that the table knows.
func (r *reconciliation) ownedDiffers(_ Port, e *event.Event) bool {
	n := r.table.Netns(e.Netns)
	o := n.owned[e.Src.Port]
	if o == nil || o.State == 0 || e.State == event.StateListen && o.State == e.State && !n.knowsListener(e, o) {
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
func (r *reconciliation) socketDiffers(port Port, e *event.Event) bool {
	known, is := r.table.socket(port)
	if !is {
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
		for _, port := range slices.Sorted(maps.Keys(n.owned)) {
			o := n.owned[port]
			if p := (Port{ID{Netns: r.Census.Netns}, port}); o.State != 0 && o.scan != r.table.scans && r.coversOwned(p, o) {
				r.gone(p, &Socket{Proc: o.Proc})
			}
		}
	}
	var unseen []uint16
	for _, s := range r.table.spacesOf(n) {
		unseen = unseen[:0]
		for port, socket := range s.Each() {
			if socket.scan != r.table.scans && r.covers(Port{s.ID, port}) {
				unseen = append(unseen, port)
			}
		}
		slices.Sort(unseen)
		for _, port := range unseen {
			socket := s.sockets[uint32(port)]
			r.gone(Port{s.ID, port}, &socket)
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

func (r *reconciliation) gone(p Port, socket *Socket) {
	r.changes = append(r.changes, event.Event{
		Time: r.At, Kind: event.SocketGone, Direction: socket.Direction, Proto: event.TCP, Netns: p.Netns, Device: p.Device,
		Proc: socket.Proc, Flags: socket.Flags & event.NotSelected,
		Src: event.Endpoint{Addr: p.Local, Port: p.Port}, Dst: p.Remote, Count: 1,
	})
}
