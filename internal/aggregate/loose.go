package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// loose is what events have shown of connections that the table of sockets does not follow:
// events that the kernel counted and did not deliver one by one, and sockets beyond the
// table's limit. Row gauges (live, SYN_SENT, CLOSE_WAIT) are the table's sockets and these.
// The next scan of a namespace finds what is there, so that these are void then: whatever was
// missed, a gauge is right after the scan.
type loose map[uint32]map[rowSet]*gauges

// add moves the gauges of the rows.
func (l loose) add(h rowSet, move gauges) {
	if move == (gauges{}) {
		return
	}
	h.move(move)
	of := l[h.netns]
	if of == nil {
		of = map[rowSet]*gauges{}
		l[h.netns] = of
	}
	if of[h] == nil {
		of[h] = &gauges{}
	}
	*of[h] = of[h].plus(move)
}

// scanned takes what was known of a namespace back.
func (l loose) scanned(netns uint32) {
	for h, g := range l[netns] {
		h.move(gauges{}.minus(*g))
	}
	delete(l, netns)
}

// move moves the gauges of the rows.
func (h *rowSet) move(g gauges) {
	for _, r := range h.rows() {
		if r != nil {
			r.looseLive += g.live
			r.SynSent += g.synSent
			r.CloseWait += g.closeWait
		}
	}
}

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
	case event.EnterCloseWait:
		g.closeWait = n
	}
	if e.Kind == event.Close || e.Kind == event.ConnectFail {
		if e.Flags.Has(event.Unanswered) {
			g.synSent = -n
		}
		if e.Flags.Has(event.InCloseWait) {
			g.closeWait = -n
		}
	}
	return g
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
	of := func(state event.State) gauges {
		if state == 0 || state == event.StateTimeWait {
			return gauges{}
		}
		return full(state, event.Out)
	}
	return of(c.Is).minus(of(c.Was))
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
	if change.Before || change.Was == event.StateTimeWait && e.Kind == event.Close {
		return
	}
	s.loose.add(*h, move.minus(movedTable(change)))
}

// followIn does the same for an accepted connection, whose only gauge is CLOSE_WAIT.
func (s *State) followIn(e *event.Event, n int64) {
	change := s.table.LastChange()
	if change.Before {
		return
	}
	if move := moved(e, n).closeWait - movedTable(change).closeWait; move != 0 {
		s.moveCloseWaitIn(e, move)
	}
}

// moveCloseWaitIn moves the gauge of accepted connections that the peer has closed and the
// owner has not. Which process will close one is not known when it enters, so both movements
// count for the listener. Whether the connection was counted when it entered matters: a filter
// may select the listener and not the worker that closes, or the worker alone.
func (s *State) moveCloseWaitIn(e *event.Event, move int64) {
	id := e.Listener
	r := s.processes.rows[id]
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
		case r == nil && s.processes.other == nil, e.Kind != event.Folded && s.wide[e.Netns]:
			return // it did not enter, or while a scan was running, which has voided that
		}
	}
	r = s.process(id, e.Time)
	r.seen(e.Time)
	to := s.looseOutside
	if s.table.OccupiesRange(e) {
		to = s.loose
	}
	to.add(rowSet{netns: e.Netns, inbound: true, total: s.total, proc: r}, gauges{closeWait: move})
}

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
		s.loose.add(*h, movedFold(f))
	}
}

// found takes a connection that a scan has found: its rows exist from then on, whether it
// does anything or not.
func (s *State) found(e *event.Event) {
	if e.Proto != event.TCP || !e.Dst.Known() || e.Direction == event.Unknown {
		return
	}
	h := s.rowsOf(e)
	change := s.table.LastChange()
	isNew := change.Is != 0 && change.Was == 0
	if !isNew || !e.Flags.Has(event.BeforeStart) || e.Direction != event.Out || e.State == event.StateTimeWait {
		return
	}
	for _, r := range h.rows() {
		if r != nil {
			r.LiveBefore++
		}
	}
}

// gone takes a connection whose end no event has shown.
func (s *State) gone(e *event.Event) {
	if e.Direction != event.Out || e.Proto != event.TCP {
		return
	}
	if was := s.table.LastChange().Was; was == 0 || was == event.StateTimeWait {
		return
	}
	h := s.rowsOf(e)
	for _, r := range h.rows() {
		if r != nil {
			r.EndedUnseen++
		}
	}
}
