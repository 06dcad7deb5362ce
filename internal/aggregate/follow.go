package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// moved returns by how much an event moves the gauges of an outgoing connection.
func moved(e *event.Event, n int64) (g gauges) {
	switch e.Kind {
	case event.Open:
		g.live = n
	case event.Close:
		g.live = -n
	case event.ConnectFail:
		if e.Flags.Has(event.HadPort) {
			g.live = -n
		}
	case event.SynUnanswered:
		g.synSent = n
	case event.SynAnswered:
		g.synSent = -n
	}
	if (e.Kind == event.Close || e.Kind == event.ConnectFail) && e.Flags.Has(event.Unanswered) {
		g.synSent = -n
	}
	g.closeWait = movedCloseWait(e, n)
	return g
}

// movedCloseWait returns by how much an event moves the gauge of connections in CLOSE_WAIT.
func movedCloseWait(e *event.Event, n int64) int64 {
	switch {
	case e.Kind == event.EnterCloseWait:
		return n
	case (e.Kind == event.Close || e.Kind == event.ConnectFail) && e.Flags.Has(event.InCloseWait):
		return -n
	}
	return 0
}

// movedFold returns the same of events that were counted only.
func movedFold(f *event.Fold) gauges {
	return gauges{
		live:      int64(f.Opens) - int64(f.ClosesOut),
		synSent:   int64(f.EnterSynSent) - int64(f.LeaveSynSent),
		closeWait: int64(f.EnterCloseWait) - int64(f.LeaveCloseWait),
	}
}

// movedTable returns by how much the event has moved the gauges of the table's sockets.
func movedTable(c portspace.Change) (g gauges) {
	return inTable(c.Is).minus(inTable(c.Was))
}

// inTable returns what the table counts for a socket in a state.
func inTable(state event.State) gauges {
	if state == 0 || state == event.StateTimeWait {
		return gauges{}
	}
	return full(state, event.Out)
}

// takeBack takes from the gauges what the event has moved in the table, for rows that counted that
// otherwise. What was at the port before can be another process's.
func (s *State) takeBack(e *event.Event, h *rowSet) {
	c := s.table.LastChange()
	if c.Proc == e.Proc || inTable(c.Was) == (gauges{}) {
		s.loose.add(h, gauges{}.minus(movedTable(c)))
		return
	}
	s.loose.add(h, gauges{}.minus(inTable(c.Is)))
	before := s.rowsOfBefore(e)
	s.loose.add(&before, inTable(c.Was))
}

// rowsOfBefore returns the rows of what was at the event's port before.
func (s *State) rowsOfBefore(e *event.Event) rowSet {
	c, before := s.table.LastChange(), *e
	before.Proc, before.Flags = c.Proc, e.Flags&^event.NotSelected|c.Flags
	return s.rowsOf(&before)
}

// plain reports whether the table has taken all of an event: cheap, and true of nearly all.
func plain(e *event.Event, c portspace.Change) bool {
	if e.Flags&(event.Unanswered|event.InCloseWait) != 0 {
		return false
	}
	switch e.Kind {
	case event.Open:
		return c.Is == event.StateEstablished && (c.Was == 0 || c.Was == event.StateTimeWait)
	case event.Close:
		return c.Was == event.StateEstablished && (c.Is == 0 || c.Is == event.StateTimeWait)
	}
	return false
}

// follow takes what an event of a connection changes that the table has not.
func (s *State) follow(e *event.Event, h *rowSet, n int64) {
	if e.Direction == event.In {
		s.followIn(e, n)
		return
	}
	if e.Direction != event.Out || n == 1 && plain(e, s.table.LastChange()) {
		return
	}
	move := moved(e, n)
	if e.Proto != event.TCP {
		h.move(move) // no scan finds it
		return
	}
	change := s.table.LastChange()
	// An end that is reported after a scan has found the bucket: the table has taken it.
	if change.Before || change.Was == event.StateTimeWait && e.Kind == event.Close && (change.Same || e.Cookie == 0) {
		return
	}
	s.loose.add(h, move)
	if change.Was != 0 || change.Is != 0 { // else nothing is in the table: it is full, most often
		s.takeBack(e, h)
	}
}

// followIn does the same for an accepted connection, whose only gauge is CLOSE_WAIT.
func (s *State) followIn(e *event.Event, n int64) {
	change := s.table.LastChange()
	if change.Before {
		return
	}
	move := movedCloseWait(e, n)
	if change.Is != change.Was {
		move -= movedTable(change).closeWait
	}
	if move != 0 {
		s.moveCloseWaitIn(e, move)
	}
}

// moveCloseWaitIn moves the gauge of accepted connections that the peer has closed and the
// owner has not. Which process will close one is not known when it enters, so both movements
// count for the listener. Whether the connection was counted when it entered matters: a filter
// may select the listener and not the worker that closes, or the worker alone.
func (s *State) moveCloseWaitIn(e *event.Event, move int64) {
	id := e.Listener
	r := s.processes.known(id)
	switch {
	case e.Flags.Has(event.NotSelected):
		if r == nil || move > 0 {
			return
		}
		move = max(move, min(-r.CloseWait, 0))
	case move < 0 && (r == nil || r.CloseWait <= 0):
		unknown := s.processes.rows[event.ProcID{}]
		switch {
		case unknown != nil && unknown.CloseWait > 0:
			id = event.ProcID{} // the listener was not known when the connection entered
		case r == nil && !s.processes.shares, e.Kind != event.Folded && s.wide[e.Netns] && !s.isBusyIn(e):
			return // it did not enter, or while a scan was running, which has voided that
		}
	}
	if r == nil || id != e.Listener {
		r = s.process(id, e)
	}
	r.seen(e.Time)
	h, moved := &rowSet{netns: e.Netns, inbound: true, total: s.total, proc: r}, gauges{closeWait: move}
	if e.Kind == event.Folded {
		s.looseIn(e).fold(h, moved, e.Time)
		return
	}
	s.looseIn(e).add(h, moved)
}

// looseIn returns what has the gauges of accepted connections at the event's port.
func (s *State) looseIn(e *event.Event) loose {
	if s.table.OccupiesRange(e) {
		return s.loose
	}
	return s.looseOutside
}

// isBusyIn is isBusy for accepted connections at the event's port: their events may come before what was
// only counted of them.
func (s *State) isBusyIn(e *event.Event) bool { return s.isBusy(s.looseIn(e), e.Netns, true) }

// followFold takes what the kernel counted only.
func (s *State) followFold(e *event.Event, h *rowSet, f *event.Fold) {
	switch {
	case e.Direction == event.In:
		for _, move := range [...]int64{int64(f.EnterCloseWait), -int64(f.LeaveCloseWait)} {
			if move != 0 {
				s.moveCloseWaitIn(e, move)
			}
		}
	case e.Proto != event.TCP:
		h.move(movedFold(f))
	default:
		s.loose.fold(h, movedFold(f), e.Time)
	}
}

// found takes a connection that a scan has found: its rows exist from then on, whether it
// does anything or not.
func (s *State) found(e *event.Event) {
	if e.Proto != event.TCP || !e.Dst.Known() || e.Direction == event.Unknown {
		return
	}
	h := s.rowsOf(e)
	if e.Direction == event.In {
		s.keepCountedIn(e)
		return
	}
	change := s.table.LastChange()
	if before := change.Before || e.Flags.Has(event.BeforeStart); !before || h.hasOpened(e) && s.isBusy(s.loose, h.netns, h.total != nil) {
		// The first scan could not know that what was only counted is younger than the trace.
		s.keepCounted(e, &h)
		return
	}
	if change.Was == 0 && change.Is != 0 && change.Is != event.StateTimeWait {
		for _, r := range h.rows() {
			if r != nil {
				r.LiveBefore++
			}
		}
	}
}

// hasOpened reports whether the connection's process has opened one to its destination since
// the start; if that is not known, because no file refers to it any more, whether any has.
func (h *rowSet) hasOpened(e *event.Event) bool {
	if h.pair != nil && e.Proc.Known() {
		return h.pair.Opens > 0
	}
	return h.dest != nil && h.dest.Opens > 0
}

// gone takes a connection whose end no event has shown.
func (s *State) gone(e *event.Event) {
	if e.Proto != event.TCP || e.Direction == event.Unknown {
		return
	}
	if e.Direction == event.In {
		s.keepCountedIn(e)
		return
	}
	if was := s.table.LastChange().Was; was == 0 || was == event.StateTimeWait {
		return
	}
	h := s.rowsOfBefore(e) // recordings of earlier versions do not say whose it was
	s.keepCounted(e, &h)
	for _, r := range h.rows() {
		if r != nil {
			r.EndedUnseen++
		}
	}
}

// keepCounted leaves the gauges of rows as they were counted although a scan has changed the
// table, if what it found may have been counted only.
func (s *State) keepCounted(e *event.Event, h *rowSet) {
	if s.isBusy(s.loose, h.netns, h.total != nil) {
		s.takeBack(e, h)
	}
}

// keepCountedIn does the same for an accepted connection: that it entered and left CLOSE_WAIT was counted,
// unless it is older than the trace.
func (s *State) keepCountedIn(e *event.Event) {
	change := s.table.LastChange()
	if move := movedTable(change).closeWait; move != 0 && !change.Before && !e.Flags.Has(event.BeforeStart) && s.isBusyIn(e) {
		s.moveCloseWaitIn(e, -move)
	}
}

// isBusy reports whether something that counts for the same rows, of what is selected or of the rest, was only
// counted in a namespace since the newest scan of it began.
func (s *State) isBusy(l loose, netns uint32, selected bool) bool {
	n, net := l[netns], s.table.Netns(netns)
	return n != nil && n.busy(selected, began(&net.Census, net.CensusAt))
}
