package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// maxWatched bounds the spaces that are high or full, and those that are due.
const maxWatched = 8192

// Thresholds finds out when a connect space becomes nearly full, full, or ok again. It reads
// a Table, which must have the events that it is given.
//
// An event costs an evaluation of the space that it touches. What changes many spaces at
// once, or takes a count of sockets, is evaluated once a second of the stream: a bind()
// takes a port from every space of its namespace or VRF, buckets expire by themselves, and the
// ports that could be reused, or lie in a range of the sockets' own, have no counter.
type Thresholds struct {
	table   *Table
	states  map[rangeKey]event.SpaceState // those that are not ok
	due     map[rangeKey]bool             // to be evaluated when the second is over
	usage   map[bindTableKey]bindUsage    // of each bind table when it was evaluated last
	second  int64
	changes []event.Event
}

// rangeKey is what sockets allocate from: a space, or a part of it that is their own.
type rangeKey struct {
	ID
	own event.PortRange // zero: the range of the namespace
}

// bindTableKey is a namespace and a VRF in it; 0: none.
type bindTableKey struct{ netns, vrf uint32 }

// bindUsage is what all spaces with one bind table have in common.
type bindUsage struct{ capacity, bound int }

// NewThresholds returns Thresholds of a table. All its spaces are ok at first.
func NewThresholds(table *Table) *Thresholds {
	return &Thresholds{
		table: table, states: map[rangeKey]event.SpaceState{}, due: map[rangeKey]bool{}, usage: map[bindTableKey]bindUsage{},
	}
}

// Advance must be called before the table gets an event, with the event's time. It returns
// what follows from the end of a second, see Add.
func (t *Thresholds) Advance(to event.Time) []event.Event {
	t.changes = t.changes[:0]
	t.table.Advance(to)
	if now := second(t.table.now); now > t.second {
		t.second = now
		t.evaluateAll()
	}
	return t.changes
}

// Add must be called after the table has got an event. It returns what follows from it, as
// events of the kind SpaceChanged, valid until the next call. Only spaces are reported in
// which a process allocates that the filter selects.
func (t *Thresholds) Add(e *event.Event) []event.Event {
	t.changes = t.changes[:0]
	if e.Proto != event.TCP || e.Flags.Has(event.NotSelected) || !e.Dst.Known() {
		return nil
	}
	switch {
	case e.Kind == event.Open && !e.Flags.Has(event.EarlyBind),
		e.Kind == event.SocketFound && e.Direction != event.In && !e.Flags.Has(event.OwnedByBind):
		if s := t.table.space(e); s != nil {
			s.selected = true
			t.allocated(s, e.SocketRange)
		}
	case e.Kind == event.ConnectFail && e.Reason == event.RangeExhausted && !e.Src.Addr.IP().IsUnspecified():
		// No socket need hold a port there: bind() alone can have taken them all.
		t.allocated(t.table.Find(IDOf(e)), e.SocketRange)
	}
	return t.changes
}

// allocated evaluates a space in which a port was allocated or wanted.
func (t *Thresholds) allocated(s *Space, own event.PortRange) {
	if view := s.Own(own); view.IsOwn {
		t.postpone(rangeKey{s.ID, view.Range})
	}
	atMost := s.atMost()
	switch key := (rangeKey{ID: s.ID}); {
	case !atMost.IsNearlyFull():
	case s.reuses():
		t.postpone(key)
	case atMost.StateAfter(t.states[key]) != t.states[key]: // the exact figure has its price
		t.evaluate(key, s.All())
	}
}

// atMost returns an upper bound of the occupancy that is cheap enough for every event.
func (s *Space) atMost() event.Occupancy {
	return event.Occupancy{Capacity: s.net.total, Live: s.InUse()}
}

func (t *Thresholds) postpone(key rangeKey) {
	if len(t.due) < maxWatched {
		t.due[key] = true
	}
}

// evaluateAll is due once a second. The order of its changes depends only on the
// stream.
func (t *Thresholds) evaluateAll() {
	if changed := t.changedBinds(); len(changed) > 0 {
		for s := range t.table.spaces.all() {
			if atMost := s.atMost(); s.selected && changed[s.Binds()] && atMost.IsNearlyFull() {
				t.postpone(rangeKey{ID: s.ID})
			}
		}
	}
	for key := range t.states {
		t.due[key] = true
	}
	for key := range t.due {
		t.evaluate(key, t.table.Find(key.ID).Own(key.own))
	}
	clear(t.due)
	slices.SortFunc(t.changes, func(a, b event.Event) int {
		if order := IDOf(&a).Compare(IDOf(&b)); order != 0 {
			return order
		}
		return a.SocketRange.Compare(b.SocketRange)
	})
}

// changedBinds returns the bind tables that have more or fewer ports for all since the last
// evaluation.
func (t *Thresholds) changedBinds() map[*BindTable]bool {
	changed := map[*BindTable]bool{}
	for inode, n := range t.table.nets {
		for vrf, b := range n.allBinds() {
			key, now := bindTableKey{inode, vrf}, bindUsage{n.total, b.inRange}
			if t.usage[key] != now {
				t.usage[key], changed[b] = now, true
			}
		}
	}
	return changed
}

// evaluate appends a change if the space has come to another state.
func (t *Thresholds) evaluate(key rangeKey, view View) {
	use := event.SpaceUse{Occupancy: view.Occupancy(t.table.now)}
	before, known := t.states[key]
	use.State = use.StateAfter(before)
	switch {
	case use.State == before:
		return
	case use.State == event.SpaceOK:
		delete(t.states, key)
	case known || len(t.states) < maxWatched:
		t.states[key] = use.State
	default:
		return // what is not remembered would be reported again and again
	}
	if before == event.SpaceFull && use.State == event.SpaceHigh {
		return // it was high before it was full
	}
	t.changes = append(t.changes, event.Event{
		Time: t.table.now, Kind: event.SpaceChanged, Proto: event.TCP, Netns: key.Netns, Device: key.Device, SocketRange: key.own,
		Proc: view.topHolder(), Src: event.Endpoint{Addr: key.Local}, Dst: key.Remote, Count: 1, Fact: &use,
	})
}
