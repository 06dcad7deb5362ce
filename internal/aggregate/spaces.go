package aggregate

import (
	"maps"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Bounds of what a snapshot says of port spaces.
const (
	maxSpaces     = 1000
	maxDetailed   = 100 // with holders, victims and a forecast; more if ports are allocated
	busyShare     = 0.1 // and as much is taken
	maxBindSpaces = 32
)

// firstScan is how long the first scan of all sockets may take.
const firstScan = time.Second

// spaceRows makes the port spaces of a snapshot.
type spaceRows struct {
	*State
	bound map[*portspace.BindTable]map[event.ProcID]boundPorts // once it is needed
	early map[uint32]*earlyPorts                               // by namespace, once it is needed
	spaceList

	plots   map[*portspace.BindTable]*portPlot // once it is needed
	plot    *portPlot                          // of the row whose map is being made
	numbers map[event.ProcID]int32
	room    *spaceRoom
}

type spaceRow struct {
	snapshot.PortSpace
	id   flowID
	view portspace.View
	flow *flow     // nil if nothing was allocated since the counting began
	udp  *udpSpace // of UDP, which has neither view nor flow

	mapped bool // it has a map
}

func newSpaceRows(s *State) *spaceRows {
	room := takeRoom()
	return &spaceRows{
		State: s, bound: map[*portspace.BindTable]map[event.ProcID]boundPorts{}, early: map[uint32]*earlyPorts{},
		plots: map[*portspace.BindTable]*portPlot{}, numbers: map[event.ProcID]int32{}, room: room, spaceList: spaceList{limit: s.share.Of(maxSpaces), spare: room.rows},
	}
}

func (s *State) addSpaces(snap *snapshot.Snapshot, fills *fills, focus []snapshot.SpaceID) {
	b := s.spaceRows()
	defer b.end()
	snap.OtherPortSpaces, snap.OtherSpaces = b.listed-len(b.rows), b.others
	snap.PortSpaces = make([]snapshot.PortSpace, 0, len(b.rows))
	b.mapped(focus)
	for i, row := range b.rows {
		if i < maxDetailed || row.Exhausted > 0 || row.mapped || row.OpenRate > 0 && row.TakenShare() > busyShare {
			b.detail(row)
		}
		row.Fill = fills.of(row.fillKey(), row.failures())
		snap.PortSpaces = append(snap.PortSpaces, row.PortSpace)
	}
	s.addNamespaces(snap)
}

// spaceRows returns the rows without detail, fullest first. It must be ended.
func (s *State) spaceRows() *spaceRows {
	b := newSpaceRows(s)
	b.connectSpaces()
	b.bindSpaces()
	b.udpSpaces()
	b.cut()
	return b
}

// EachSpace calls f for each port space that a Snapshot at that moment has, fullest first. The
// rows have no detail: no holders, victims and forecast, which take most of a snapshot's time. They
// are valid until f returns.
func (s *State) EachSpace(at event.Time, f func(*snapshot.PortSpace)) {
	s.advance(at)
	b := s.spaceRows()
	defer b.end()
	for _, row := range b.rows {
		f(&row.PortSpace)
	}
}

func (b *spaceRows) connectSpaces() {
	b.table.Each(func(space *portspace.Space) {
		id := flowID{ID: space.ID}
		if b.flows.byID[id] == nil && space.Allocates() && b.flows.shows(id.ID, nil) {
			b.addConnectSpace(id, space.All(), nil)
		}
	})
	for id, flow := range b.flows.byID {
		if id.Remote.Known() && b.flows.shows(id.ID, flow) {
			b.addConnectSpace(id, b.table.Find(id.ID).Own(id.ports), flow)
		}
	}
}

func (b *spaceRows) addConnectSpace(id flowID, view portspace.View, flow *flow) {
	o := view.Occupancy(b.now)
	if b.passes(id, &o, flow) {
		return
	}
	row := b.newSpaceRow(snapshot.ConnectSpace, view, o, id, flow)
	if !view.IsOwn {
		b.addPeak(row, view)
	}
	b.add(row)
}

// addPeak says how full the space has been, and since when it is full.
func (b *spaceRows) addPeak(row *spaceRow, view portspace.View) {
	row.Peak, row.Unstamped = max(row.Peak, view.Peak), view.Unstamped()
	row.PeakAt = wallTime(b.world.Clock, view.PeakAt)
	if row.IsFull() { // and not if ports can be reused, or a bind() has released some
		since := view.FullSince(b.now)
		row.FullSince = wallTime(b.world.Clock, since)
		row.FullBeforeStart = since != 0 && since.Sub(b.started) < firstScan
	}
}

// bindSpaces adds those in which ports are allocated, as far as that can be seen: a bind()
// to port 0 that failed, or ports of the range that are bound.
func (b *spaceRows) bindSpaces() {
	for id, flow := range b.bindIDs() {
		if b.flows.shows(id.ID, flow) {
			b.add(b.newSpaceRow(snapshot.BindSpace, b.table.Find(id.ID).All(), b.table.BindOccupancy(id.bindSpace()), id, flow))
		}
	}
}

// bindIDs returns the bind spaces in which ports are allocated, each with its flow; nil: it has
// none.
func (s *State) bindIDs() map[flowID]*flow {
	ids := map[flowID]*flow{}
	for id, flow := range s.flows.byID {
		if !id.Remote.Known() {
			ids[id] = flow
		}
	}
	found := map[flowID]bool{}
	s.table.EachNetns(func(n *portspace.Netns) {
		if n.BoundOnly() == 0 {
			return
		}
		n.EachOwned(func(_ uint16, o portspace.OwnedPort) {
			if o.State == event.StateBound {
				found[bindID(n.Fact().Inode, o.Device(), o.Local)] = true
			}
		})
	})
	for _, id := range slices.SortedFunc(maps.Keys(found), compareFlow) { // the same ones each time
		if len(ids) < maxBindSpaces {
			ids[id] = s.flows.byID[id]
		}
	}
	return ids
}

func (b *spaceRows) newSpaceRow(kind snapshot.SpaceKind, view portspace.View, o event.Occupancy, id flowID, flow *flow) *spaceRow {
	row := b.newRow()
	*row = spaceRow{id: id, flow: flow, view: view, PortSpace: snapshot.PortSpace{
		Kind: kind, Netns: id.Netns, NetnsName: b.world.Netns(id.Netns).Name, Proto: event.TCP,
		Local: id.Local, Remote: id.Remote, Device: id.Device, Range: view.Range, PerSocketRange: view.IsOwn,
		Occupancy: o, Peak: o.InUse(), TimeWaitLength: b.table.Netns(id.Netns).TimeWaitLength(),
	}}
	if flow != nil {
		b.addUsage(row, flow)
	}
	return row
}

// addUsage says how ports are allocated.
func (b *spaceRows) addUsage(row *spaceRow, flow *flow) {
	rates := flow.History.Rates(max(b.started, flow.First), b.now)
	row.Opens, row.OpenRate = flow.Opens, rates.Opens
	row.Exhausted, row.ExhaustionRate = flow.exhausted, rates.Failures
	row.Wanted = rates.Opens + rates.Failures
	row.LastExhausted = wallTime(b.world.Clock, flow.lastExhausted)
	if b.now.Sub(flow.lastExhausted) <= snapshot.RecentExhaustion {
		row.ExhaustedSince = wallTime(b.world.Clock, flow.deniedSince)
	}
	row.SearchP50, row.SearchP99 = flow.search.Quantile(0.5), flow.search.Quantile(0.99)
	row.SecondParity = flow.parity.secondShare(b.now)
}

// detail adds what is too expensive for all but the fullest ones.
func (b *spaceRows) detail(row *spaceRow) {
	row.Victims, row.VictimPrograms = b.victims(row), b.victimPrograms(row)
	// The table does not know since when a space is full whose last ports were bound, and
	// not connected.
	if row.FullSince.IsZero() && row.flow != nil && row.IsFull() {
		row.FullSince = wallTime(b.world.Clock, row.flow.failingSince)
	}
	if row.Kind == snapshot.BindSpace {
		b.addBindSustainable(row)
		row.Forecast.Known = row.IsFull()
		if row.udp != nil {
			b.addUDPHolders(row)
		} else {
			b.addBindHolders(row)
		}
		return
	}
	b.addHolders(row)
	b.addForecast(row)
}
