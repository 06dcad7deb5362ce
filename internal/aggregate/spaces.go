package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Bounds of what a snapshot says of port spaces.
const (
	maxSpaces     = 1000
	maxDetailed   = 100 // with holders, victims and a forecast, and more that are drawn from
	busyShare     = 0.1 // and have as much taken
	maxHolders    = 10
	maxBindSpaces = 32
)

// firstLook is how long the first look at all sockets may take.
const firstLook = time.Second

func compareFlow(a, b flowID) int {
	return cmp.Or(a.Compare(b.ID), a.ports.Compare(b.ports))
}

// spaces makes the rows of a snapshot.
type spaces struct {
	*State
	bound map[uint32]map[event.ProcID]boundPorts // by namespace, when it is asked for
	rows  []*spaceRow
}

// boundPorts are those in the range that one process owns by bind().
type boundPorts struct{ ports, before int }

type spaceRow struct {
	snapshot.PortSpace
	id   flowID
	view portspace.View
	flow *flow
}

func (s *State) addSpaces(snap *snapshot.Snapshot) {
	b := spaces{State: s, bound: map[uint32]map[event.ProcID]boundPorts{}}
	b.connectSpaces()
	b.bindSpaces()
	taken, _ := snapshot.ColumnNamed(snapshot.SpaceColumns(), "taken")
	slices.SortFunc(b.rows, func(a, b *spaceRow) int { return taken.Compare(&a.PortSpace, &b.PortSpace) })
	snap.OtherPortSpaces = max(len(b.rows)-maxSpaces, 0)
	for i, row := range b.rows[:len(b.rows)-snap.OtherPortSpaces] {
		if i < maxDetailed || row.Exhausted > 0 || row.OpenRate > 0 && row.TakenShare() > busyShare {
			b.detail(row)
		}
		snap.PortSpaces = append(snap.PortSpaces, row.PortSpace)
	}
	s.addNamespaces(snap)
}

func (b *spaces) connectSpaces() {
	b.ports.Each(func(space *portspace.Space) {
		id := flowID{ID: space.ID}
		if b.flows.byID[id] == nil && space.Drawn() && b.flows.shows(id.ID, nil) {
			b.add(snapshot.ConnectSpace, id, nil)
		}
	})
	for id, flow := range b.flows.byID {
		if id.Remote.Known() && b.flows.shows(id.ID, flow) {
			b.add(snapshot.ConnectSpace, id, flow)
		}
	}
}

func (b *spaces) add(kind snapshot.SpaceKind, id flowID, flow *flow) *spaceRow {
	view := b.ports.Find(id.ID).Own(id.ports)
	row := &spaceRow{id: id, flow: flow, view: view, PortSpace: snapshot.PortSpace{
		Kind: kind, Netns: id.Netns, NetnsName: b.world.Netns(id.Netns).Name, Proto: event.TCP,
		Local: id.Local, Remote: id.Remote, Device: id.Device, Range: view.Range, OwnRange: view.IsOwn,
		Capacity: view.Capacity(),
	}}
	row.set(view.Counts())
	row.Reusable = view.Reusable(b.now)
	if !view.IsOwn {
		row.Peak = max(row.Peak, view.Peak)
		row.PeakAt = wallTime(b.world.Clock, view.PeakAt)
	}
	if !view.IsOwn && row.IsFull() { // and not if ports can be reused, or a bind() has set some free
		row.Full = wallTime(b.world.Clock, view.Full)
		row.FullBefore = view.Full != 0 && view.Full.Sub(b.started) < firstLook
	}
	if flow != nil {
		b.use(row, flow)
	}
	b.rows = append(b.rows, row)
	return row
}

func (row *spaceRow) set(c portspace.Counts) {
	row.Live, row.SynSent, row.CloseWait, row.TimeWait, row.Bound = c.Live, c.SynSent, c.CloseWait, c.TimeWait, c.Bound
	row.Peak = c.InUse()
}

// use says how the space is drawn from.
func (b *spaces) use(row *spaceRow, flow *flow) {
	rates := flow.history.rates(b.started, b.now)
	row.Opens, row.OpenRate = flow.opens, rates.Opens
	row.Exhausted, row.ExhaustionRate = flow.exhausted, rates.Failures
	row.LastExhausted = wallTime(b.world.Clock, flow.lastExhausted)
	row.SearchP50, row.SearchP99 = flow.search.quantile(0.5), flow.search.quantile(0.99)
	row.SecondHalf = flow.choices.share(b.now)
}

// bindSpaces are those that somebody draws from, as far as it shows: a bind() to port 0
// that failed, or ports of the range that are bound.
func (b *spaces) bindSpaces() {
	ids := map[flowID]*flow{}
	for id, flow := range b.flows.byID {
		if !id.Remote.Known() {
			ids[id] = flow
		}
	}
	b.ports.EachNetns(func(n *portspace.Netns) {
		n.EachOwned(func(_ uint16, o portspace.Owned) {
			if id := bindID(n.Fact().Inode, o.Local); o.State == event.StateBound && len(ids) < maxBindSpaces {
				ids[id] = b.flows.byID[id]
			}
		})
	})
	for id, flow := range ids {
		if !b.flows.shows(id.ID, flow) {
			continue
		}
		row := b.add(snapshot.BindSpace, id, flow)
		row.set(b.ports.BindCounts(id.Netns, id.Local))
		row.Reusable = 0
	}
}

// detail adds what is worth its price for the fullest ones only.
func (b *spaces) detail(row *spaceRow) {
	row.Victims = b.victims(row)
	// A space whose last ports were bound, and not connected, does not know since when.
	if row.Full.IsZero() && row.flow != nil && row.IsFull() {
		row.Full = wallTime(b.world.Clock, row.flow.failing)
	}
	if row.Kind == snapshot.BindSpace {
		row.Forecast.Known = row.IsFull()
		return
	}
	b.holders(row)
	b.forecast(row)
}

func (b *spaces) forecast(row *spaceRow) {
	row.TimeWaitEnds = row.view.Ends(b.now)
	load := portspace.Load{
		Capacity: row.Capacity, Counts: row.view.Counts(), Reusable: row.Reusable,
		BucketLife: row.view.TimeWaitLife(), Ends: row.TimeWaitEnds, BoundRate: b.ports.Netns(row.Netns).BoundGrowth(b.now),
	}
	if row.flow != nil {
		row.flow.use(&load, row.view.Space, b.now)
	}
	row.Sustainable = load.Sustainable()
	row.Textbook = float64(row.Capacity) / portspace.TimeWaitLength.Seconds()
	if b.world.Signals.Off("states") && !row.IsFull() {
		return // a space of which no open is seen fills unseen
	}
	f := load.Forecast()
	row.Forecast = snapshot.Forecast{Known: f.Known, Never: f.Never, ETA: f.ETA, Low: f.Low, High: f.High, Model: f.Model}
}

// holders are who holds the ports.
func (b *spaces) holders(row *spaceRow) {
	byProc := map[event.ProcID]*snapshot.Holder{}
	of := func(id event.ProcID) *snapshot.Holder {
		if byProc[id] == nil {
			byProc[id] = &snapshot.Holder{}
		}
		return byProc[id]
	}
	for id, bound := range b.boundPorts(row) {
		of(id).Bound, of(id).Before = bound.ports, bound.before
	}
	net := b.ports.Netns(row.Netns)
	for port, socket := range row.view.Each() {
		if !row.view.Holds(port) {
			continue
		}
		if net.Owns(port) { // counted with the connection and not as bound
			owner := net.Owner(port)
			of(owner.Proc).Bound--
			if owner.Before {
				of(owner.Proc).Before--
			}
		}
		hold(of(socket.Proc), socket)
	}
	b.rank(row, byProc)
}

func hold(h *snapshot.Holder, socket portspace.Socket) {
	switch socket.State {
	case event.StateTimeWait:
		h.TimeWait++
	case event.StateCloseWait:
		h.CloseWait++
		h.Live++
	default:
		h.Live++
	}
	if socket.Flags.Has(event.BeforeStart) {
		h.Before++
	}
}

// boundPorts are the ports that a bind() owns, by owner; the same for most spaces of a
// namespace.
func (b *spaces) boundPorts(row *spaceRow) map[event.ProcID]boundPorts {
	if known := b.bound[row.Netns]; known != nil && !row.OwnRange {
		return known
	}
	owners := map[event.ProcID]boundPorts{}
	b.ports.Netns(row.Netns).EachOwned(func(port uint16, o portspace.Owned) {
		if row.OwnRange && !row.Range.Holds(port) {
			return
		}
		bound := owners[o.Proc]
		bound.ports++
		if o.Before {
			bound.before++
		}
		owners[o.Proc] = bound
	})
	if !row.OwnRange {
		b.bound[row.Netns] = owners
	}
	return owners
}

// rank names the holders with the most ports and sums up the rest.
func (b *spaces) rank(row *spaceRow, byProc map[event.ProcID]*snapshot.Holder) {
	var list []snapshot.Holder
	for id, h := range byProc {
		if h.Ports() > 0 {
			h.Proc = *b.whois(id)
			list = append(list, *h)
		}
	}
	slices.SortFunc(list, func(a, b snapshot.Holder) int {
		return cmp.Or(cmp.Compare(b.Ports(), a.Ports()), compareProc(a.Proc.ID, b.Proc.ID))
	})
	shown := min(len(list), maxHolders)
	row.Holders = list[:shown:shown]
	for _, h := range list[shown:] {
		o := &row.OtherHolders
		o.Live += h.Live
		o.CloseWait += h.CloseWait
		o.TimeWait += h.TimeWait
		o.Bound += h.Bound
		o.Before += h.Before
	}
}

func compareProc(a, b event.ProcID) int {
	return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.Start, b.Start))
}

// victims are who found no port there.
func (b *spaces) victims(row *spaceRow) []snapshot.Victim {
	if row.Exhausted == 0 {
		return nil
	}
	byProc := map[event.ProcID]*snapshot.Victim{}
	for _, f := range b.failures {
		if f.reason != event.RangeExhausted || f.netns != row.Netns || f.proto != event.TCP {
			continue
		}
		switch {
		case row.Kind == snapshot.ConnectSpace && (f.op != event.OpConnect || f.target != row.Remote || f.local.Addr != row.Local && !unspecified(f.local.Addr)):
			continue
		case row.Kind == snapshot.BindSpace && (f.op == event.OpConnect || f.target.Addr != row.Local):
			continue
		}
		v := byProc[f.proc]
		if v == nil {
			v = &snapshot.Victim{Proc: *f.info}
			byProc[f.proc] = v
		}
		v.Failures += f.count
		if last := b.world.Clock.WallTime(f.last); last.After(v.Last) {
			v.Last = last
		}
	}
	var list []snapshot.Victim
	for _, v := range byProc {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b snapshot.Victim) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), compareProc(a.Proc.ID, b.Proc.ID))
	})
	return list[:min(len(list), maxHolders)]
}

func (s *State) addNamespaces(snap *snapshot.Snapshot) {
	s.ports.EachNetns(func(n *portspace.Netns) {
		fact := n.Fact()
		row := snapshot.Namespace{
			Inode: fact.Inode, Name: fact.Name, Ports: fact.Ports, Reserved: fact.Reserved, Capacity: n.Capacity(),
			Reuse: fact.Reuse, TimeWait: fact.TimeWait, MaxTimeWait: fact.MaxTimeWait, Bound: n.Bound(),
			Census: wallTime(s.world.Clock, n.CensusAt), CensusTook: time.Duration(n.Census.Took), BoundKnown: n.Census.Bound,
		}
		snap.Namespaces = append(snap.Namespaces, row)
	})
	slices.SortFunc(snap.Namespaces, func(a, b snapshot.Namespace) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Inode, b.Inode))
	})
}
