package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// maxWatched bounds the spaces that are high or full, and those that are due.
const maxWatched = 8192

// Watch says when a connect space is nearly full, full, or well again. It has a Table of
// its own, which the stream feeds through it.
//
// An event costs a look at the space that it touches. What changes many spaces at once, or
// takes a count of sockets, is looked at once a second of the stream: a bind() takes a
// port from every space of its namespace, buckets end by themselves, and the ports that
// could be reused, or lie in a range of the sockets' own, have no counter.
type Watch struct {
	table  *Table
	states map[pool]event.SpaceState // those that are not ok
	due    map[pool]bool             // to be looked at when the second is over
	rooms  map[uint32]room           // of each namespace when it was looked at last
	second int64
	told   []event.Event
}

// pool is what sockets draw from: a space, or a part of it that is their own.
type pool struct {
	ID
	own event.PortRange // zero: the range of the namespace
}

// room is what all spaces of a namespace have in common.
type room struct{ capacity, bound int }

// NewWatch follows so many sockets.
func NewWatch(limit int) *Watch {
	return &Watch{
		table: New(limit), states: map[pool]event.SpaceState{}, due: map[pool]bool{}, rooms: map[uint32]room{},
	}
}

// Add takes an event of the stream and returns what follows from it, as events of the kind
// SpaceChanged. They are valid until the next Add. Only spaces that somebody draws from
// whom the filter selects are told.
func (w *Watch) Add(e *event.Event) []event.Event {
	w.told = w.told[:0]
	w.table.Advance(e.Time)
	if now := second(w.table.now); now > w.second {
		w.second = now
		w.review()
	}
	w.table.Add(e)
	w.touch(e)
	return w.told
}

// touch looks at the space that the event takes a port from, or found full.
func (w *Watch) touch(e *event.Event) {
	if e.Proto != event.TCP || e.Flags.Has(event.NotSelected) || !e.Dst.Known() {
		return
	}
	switch {
	case e.Kind == event.Open && !e.Flags.Has(event.EarlyBind),
		e.Kind == event.SocketFound && e.Direction != event.In && !e.Flags.Has(event.OwnedByBind):
		if s := w.table.space(e); s != nil {
			s.watched = true
			w.drawn(s, e.Ports)
		}
	case e.Kind == event.ConnectFail && e.Reason == event.RangeExhausted && !e.Src.Addr.IP().IsUnspecified():
		// Nobody need hold a port there: bind() alone can have taken them all.
		w.drawn(w.table.Find(IDOf(e)), e.Ports)
	}
}

func (w *Watch) drawn(s *Space, own event.PortRange) {
	if view := s.Own(own); view.IsOwn {
		w.postpone(pool{s.ID, view.Range})
	}
	switch p := (pool{ID: s.ID}); {
	case !s.near():
	case s.reuses():
		w.postpone(p)
	case s.atMost(w.states[p]) != w.states[p]: // the exact figure has its price
		w.look(p, s.All())
	}
}

func (w *Watch) postpone(p pool) {
	if len(w.due) < maxWatched {
		w.due[p] = true
	}
}

// review is the look of once a second. What it tells has an order that depends on nothing
// but the stream.
func (w *Watch) review() {
	if changed := w.changed(); len(changed) > 0 {
		for _, s := range w.table.spaces {
			if s.watched && changed[s.net] && s.near() {
				w.postpone(pool{ID: s.ID})
			}
		}
	}
	for p := range w.states {
		w.due[p] = true
	}
	for p := range w.due {
		w.look(p, w.table.Find(p.ID).Own(p.own))
	}
	clear(w.due)
	slices.SortFunc(w.told, func(a, b event.Event) int {
		if order := IDOf(&a).Compare(IDOf(&b)); order != 0 {
			return order
		}
		return a.Ports.Compare(b.Ports)
	})
}

// changed are the namespaces that have more or fewer ports for all since the last look.
func (w *Watch) changed() map[*Netns]bool {
	changed := map[*Netns]bool{}
	for inode, n := range w.table.nets {
		now := room{n.total, n.inRange}
		if w.rooms[inode] != now {
			w.rooms[inode], changed[n] = now, true
		}
	}
	return changed
}

// look tells the pool if it has come to another state.
func (w *Watch) look(p pool, view View) {
	use := view.use(w.table.now)
	before, known := w.states[p]
	use.State = after(before, &use)
	switch {
	case use.State == before:
		return
	case use.State == event.SpaceOK:
		delete(w.states, p)
	case known || len(w.states) < maxWatched:
		w.states[p] = use.State
	default:
		return // what is not remembered would be told again and again
	}
	if before == event.SpaceFull && use.State == event.SpaceHigh {
		return // it was high before it was full
	}
	w.tell(p, view, use)
}

func (w *Watch) tell(p pool, view View, use event.SpaceUse) {
	w.told = append(w.told, event.Event{
		Time: w.table.now, Kind: event.SpaceChanged, Proto: event.TCP, Netns: p.Netns, Device: p.Device, Ports: p.own,
		Proc: view.topHolder(), Src: event.Endpoint{Addr: p.Local}, Dst: p.Remote, Count: 1, Fact: &use,
	})
}
