// Package aggregate is the state: what each process did, towards which destinations,
// and what failed. It is fed events and asked for snapshots; it does no I/O, starts
// no goroutine and knows no clock but the one in the events.
package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Bounds of the tables. What does not fit is summed up in one row.
const (
	maxProcesses    = 8192
	maxDestinations = 8192
	maxPairs        = 16384
	maxFailures     = 4096
	maxNotices      = 32
)

type destKey struct {
	netns  uint32
	proto  event.Proto
	remote event.Endpoint
}

type pairKey struct {
	proc event.ProcID
	dest destKey
}

// State is everything that the stream has told so far. It is for one goroutine.
type State struct {
	world   event.World
	started event.Time
	now     event.Time

	total     row
	processes *table[event.ProcID]
	dests     *table[destKey]
	pairs     *table[pairKey]
	failures  map[failKey]*failure

	buckets      buckets
	health       event.Health
	unattributed uint64
	notices      []snapshot.Notice
}

// New is an empty state; its time begins with the first event.
func New() *State {
	return &State{
		processes: newTable[event.ProcID](maxProcesses),
		dests:     newTable[destKey](maxDestinations),
		pairs:     newTable[pairKey](maxPairs),
		failures:  map[failKey]*failure{},
		buckets:   newBuckets(),
	}
}

// Add takes events in the order of the stream.
func (s *State) Add(events []event.Event) {
	for i := range events {
		s.add(&events[i])
	}
}

func (s *State) add(e *event.Event) {
	s.advance(e.Time)
	switch e.Kind {
	case event.Folded:
		s.fold(e)
	case event.Open, event.Close, event.ConnectFail, event.Bind, event.BindFail,
		event.EnterCloseWait, event.SynUnanswered, event.SynAnswered:
		s.socket(e)
	default:
		s.fact(e)
	}
}

// advance moves the time on; a late event does not move it back.
func (s *State) advance(to event.Time) {
	if s.started == 0 {
		s.started = to
	}
	if to > s.now {
		s.now = to
		s.buckets.expire(to)
	}
}

func (s *State) fact(e *event.Event) {
	s.world.Apply(e)
	switch fact := e.Fact.(type) {
	case *event.Netns:
		s.buckets.trim(fact)
	case *event.Health:
		s.health = *fact
	case event.Text:
		s.notices = append(s.notices, snapshot.Notice{At: s.world.Clock.WallTime(e.Time), Text: string(fact)})
		if len(s.notices) > maxNotices {
			s.notices = s.notices[1:]
		}
	}
}

// rowsOf are the rows that an event counts for. A filter narrows whose events are
// counted, but a destination always counts every socket towards it.
func (s *State) rowsOf(e *event.Event) holder {
	h := holder{netns: e.Netns, inbound: e.Direction == event.In}
	outgoing := e.Direction == event.Out && e.Dst.Port != 0
	dest := destKey{e.Netns, e.Proto, e.Dst}
	if outgoing {
		h.dest = s.dests.row(dest, e.Time)
	}
	if e.Flags.Has(event.NotSelected) {
		return h
	}
	if outgoing {
		h.dest.selected = true
		h.pair = s.pairs.row(pairKey{e.Proc, dest}, e.Time)
	}
	h.total = &s.total
	h.proc = s.processes.row(ownerOf(e), e.Time)
	return h
}

// ownerOf is who holds the socket: of an accepted connection that nobody has closed
// yet it is who listens.
func ownerOf(e *event.Event) event.ProcID {
	if !e.Proc.Known() {
		return e.Listener
	}
	return e.Proc
}

func (s *State) socket(e *event.Event) {
	h := s.rowsOf(e)
	n := e.Count
	if n == 0 {
		n = 1
	}
	if !ownerOf(e).Known() {
		s.unattributed += n
	}
	for _, r := range h.rows() {
		r.count(e, n)
	}
	s.countCloseWait(e, h)
	if e.Kind == event.Close && e.Flags&(event.TimeWait|event.FinWait2) != 0 {
		s.buckets.enter(h, e.Time, 1)
	}
	if (e.Kind == event.ConnectFail || e.Kind == event.BindFail) && h.total != nil {
		s.fail(e, n)
	}
}

// countCloseWait moves the gauge of connections that the peer has closed and the owner
// has not. For an accepted connection the owner is not known when it enters, so
// both movements go by the listener.
func (s *State) countCloseWait(e *event.Event, h holder) {
	var move int64
	switch {
	case e.Kind == event.EnterCloseWait:
		move = 1
	case e.Kind == event.Close && e.Flags.Has(event.InCloseWait):
		move = -1
	default:
		return
	}
	if e.Direction == event.In && h.proc != nil {
		h.proc = s.processes.row(e.Listener, e.Time)
	}
	for _, r := range h.rows() {
		r.CloseWait += move
	}
}

// fold adds what the kernel counted and did not deliver.
func (s *State) fold(e *event.Event) {
	f, ok := e.Fact.(*event.Fold)
	if !ok {
		return
	}
	h := s.rowsOf(e)
	for _, r := range h.rows() {
		r.fold(f, e.Time)
	}
	if n := f.TimeWaitOut + f.TimeWaitIn; n != 0 {
		s.buckets.enter(h, e.Last, uint32(n))
	}
}
