package aggregate

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/forecast"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// flowID identifies what sockets allocate from: those that have a range of their own
// (IP_LOCAL_PORT_RANGE) find the space full earlier than the others.
type flowID struct {
	portspace.ID
	ports event.PortRange
}

// flow is how a port space is used. Which ports are in use is known to the
// portspace.Table.
type flow struct {
	forecast.Usage
	id            flowID
	last          event.Time // when it was used last
	selected      bool       // by a process that the filter selects
	isDefault     bool       // the flow used last towards its destination
	dropped       bool       // it is not in flows any more
	exhausted     uint64     // calls that found no port
	lastExhausted event.Time
	deniedSince   event.Time // since when calls have found no port with short pauses only
	failingSince  event.Time // since when every call found no port, 0: the last one did

	search snapshot.Lifetimes // in the port search of connect()
	parity parityStats
}

// parityStats counts the ports that connect() chose in the last seconds, and how many were
// of the parity that it tries second (__inet_hash_connect, net/ipv4/inet_hashtables.c).
type parityStats struct {
	seconds [snapshot.RateWindow / time.Second]parityCount
}

type parityCount struct {
	at          int64
	all, second int
}

func (c *parityStats) add(at event.Time, port uint16, r event.PortRange) {
	slot := &c.seconds[history.SecondOf(at)%int64(len(c.seconds))]
	if slot.at != history.SecondOf(at) {
		*slot = parityCount{at: history.SecondOf(at)}
	}
	slot.all++
	if (port-r.Low)%2 != 0 {
		slot.second++
	}
}

// secondShare returns the share of ports of the second parity.
func (c *parityStats) secondShare(now event.Time) float64 {
	var all, second int
	for _, s := range c.seconds {
		if s.at > history.SecondOf(now)-int64(len(c.seconds)) {
			all += s.all
			second += s.second
		}
	}
	return float64(second) / float64(max(all, 1))
}

// flows are those of all port spaces.
type flows struct {
	limit int
	byID  map[flowID]*flow
	// What is not delivered one by one has no local address: it goes to the space that was
	// used last towards its destination.
	byDest  map[destKey]*flow
	uses    []spaceUse // by the number of the space
	maxUses int
	// early is how ports that were bound before connect() are used, by namespace: they are
	// taken from all its spaces.
	early map[uint32]*forecast.Usage

	// A filter narrows which spaces are listed to those in which a selected process
	// allocates, holds a port since before the start, or has bound one.
	filtered bool
	held     map[portspace.ID]bool

	made     uint64       // how many there have been
	searched uint64       // of these, when those that go next were found
	going    []rankedFlow // what goes next, in order
}

func newFlows(share bounds.Share) flows {
	return flows{
		limit: share.Of(maxFlows), maxUses: share.Of(maxUses),
		byID: map[flowID]*flow{}, byDest: map[destKey]*flow{}, early: map[uint32]*forecast.Usage{}, held: map[portspace.ID]bool{},
	}
}

// shows reports whether the space must be listed.
func (f *flows) shows(id portspace.ID, flow *flow) bool {
	return !f.filtered || flow != nil && flow.selected || f.held[id]
}

// addFound takes a socket that a scan has found.
func (f *flows) addFound(e *event.Event) {
	switch {
	case e.Flags.Has(event.NotSelected):
		f.filtered = true
	case e.Dst.Known():
		f.hold(portspace.IDOf(e))
	case e.State == event.StateBound:
		f.hold(bindIDOf(e).ID)
	}
}

func (f *flows) hold(id portspace.ID) {
	if len(f.held) < f.limit {
		f.held[id] = true
	}
}

// addGone takes a connection whose end was not seen.
func (f *flows) addGone(e *event.Event) {
	if flow := f.byID[flowOf(e)]; flow != nil && e.Direction == event.Out {
		flow.Leave(e.Time)
		if flow.EarlyShare() > 0.5 {
			f.earlyUsage(e).Leave(e.Time)
		}
	}
}

// of returns the flow of an event's space, which is used at that time.
func (f *flows) of(id flowID, at event.Time, table *portspace.Table) *flow {
	use := f.use(table.LastSpace())
	flow := f.known(use, id)
	if flow == nil {
		if len(f.byID) >= f.limit {
			f.evict(table)
		}
		flow = newFlow(id, at)
		f.byID[id] = flow
		f.made++
	}
	if use != nil {
		use.flow = flow
	}
	flow.last = max(flow.last, at)
	if !flow.isDefault {
		f.setDefault(flow)
	}
	return flow
}

func (f *flows) known(use *spaceUse, id flowID) *flow {
	if use != nil && use.flow != nil && use.flow.id == id && !use.flow.dropped {
		return use.flow
	}
	return f.byID[id]
}

// setDefault makes the flow the one that stands for its destination.
func (f *flows) setDefault(flow *flow) {
	key := flow.id.dest()
	if before := f.byDest[key]; before != nil {
		before.isDefault = false
	}
	f.byDest[key], flow.isDefault = flow, true
}

func newFlow(id flowID, at event.Time) *flow {
	return &flow{id: id, Usage: forecast.Usage{First: at}}
}

// noteSelected notes whether the filter selects the process that allocates.
func (f *flow) noteSelected(e *event.Event) {
	f.selected = f.selected || !e.Flags.Has(event.NotSelected)
}

func (f *flows) restart() {
	*f = flows{
		limit: f.limit, maxUses: f.maxUses, filtered: f.filtered, held: f.held,
		byID: map[flowID]*flow{}, byDest: map[destKey]*flow{}, early: map[uint32]*forecast.Usage{},
	}
}

// add takes what happened in a port space.
func (f *flows) add(e *event.Event, n uint64, table *portspace.Table) {
	if e.Proto != event.TCP {
		return
	}
	f.filtered = f.filtered || e.Flags.Has(event.NotSelected)
	switch e.Kind {
	case event.Open:
		f.of(flowOf(e), e.Time, table).open(e, n, table.Netns(e.Netns).Ports())
		if e.Flags.Has(event.EarlyBind) {
			f.earlyUsage(e).OpenEarly(e.Time, n)
		}
	case event.Close:
		if e.Direction == event.Out && e.Duration != 0 {
			f.close(e, n, table)
		}
	case event.Bind:
		if !e.Flags.Has(event.NotSelected) {
			f.hold(bindIDOf(e).ID)
		}
	case event.ConnectFail, event.BindFail:
		if e.Reason == event.RangeExhausted {
			f.addExhausted(e, n, table)
		}
		if e.Flags.Has(event.HadPort) {
			f.failed(e, n, table)
		}
	}
}

// close takes the end of n connections. It does not say whether their port was bound before
// connect(): most programs do one or the other towards a destination.
func (f *flows) close(e *event.Event, n uint64, table *portspace.Table) {
	flow := f.of(flowOf(e), e.Time, table)
	flow.Close(e, n)
	if flow.EarlyShare() > 0.5 {
		f.earlyUsage(e).Close(e, n)
	}
}

// earlyUsage returns the usage of the event's namespace by ports bound before connect().
func (f *flows) earlyUsage(e *event.Event) *forecast.Usage {
	u := f.early[e.Netns]
	if u == nil {
		u = &forecast.Usage{First: e.Time}
		f.early[e.Netns] = u
	}
	return u
}

// open takes n connections that were opened. r is the namespace's port range.
func (f *flow) open(e *event.Event, n uint64, r event.PortRange) {
	f.noteSelected(e)
	if e.Flags.Has(event.EarlyBind) {
		f.OpenEarly(e.Time, n)
	} else {
		f.Open(e.Time, n)
		f.failingSince = 0
	}
	if e.PortSearch != 0 {
		f.search.Add(time.Duration(e.PortSearch))
	}
	if !e.Flags.Has(event.EarlyBind) && !e.SocketRange.Known() && r.Holds(e.Src.Port) {
		f.parity.add(e.Time, e.Src.Port, r)
	}
}

// failed counts connections that failed after their SYN. Those that come folded do not say
// from which address.
func (f *flows) failed(e *event.Event, n uint64, table *portspace.Table) {
	if !unspecified(e.Src.Addr) {
		f.close(e, n, table)
	} else if known := f.byDest[destKey{netns: e.Netns, remote: e.Dst, proto: event.TCP}]; known != nil {
		known.Close(e, n)
	}
}

func (f *flows) addExhausted(e *event.Event, n uint64, table *portspace.Table) {
	id := flowOf(e)
	if e.Kind == event.BindFail {
		id = bindIDOf(e)
		if known := f.byDest[id.dest()]; known != nil && e.First != 0 { // folded: of whatever device
			id = known.id
		}
	} else if known := f.byDest[destKey{netns: e.Netns, remote: e.Dst, proto: event.TCP}]; known != nil && unspecified(e.Src.Addr) {
		id = known.id
	}
	flow := f.of(id, e.Time, table)
	flow.noteSelected(e)
	flow.exhausted += n
	if flow.failingSince == 0 {
		flow.failingSince = cmp.Or(e.First, e.Time)
	}
	begin := cmp.Or(e.First, e.Time)
	if flow.deniedSince == 0 || begin.Sub(flow.lastExhausted) > snapshot.RecentExhaustion {
		flow.deniedSince = begin
	}
	flow.lastExhausted = max(flow.lastExhausted, e.Time, e.Last)
	flow.History.Add(e.Time, snapshot.Point{Failures: uint32(n)})
}

// unspecified reports whether no address is known: IPv6's or IPv4's wildcard.
func unspecified(a event.Addr) bool { return a.IP().IsUnspecified() }

// bindID identifies the space that bind() to port 0 of an address allocates from, by a socket that is
// bound to a device, 0: to none.
func bindID(netns, device uint32, local event.Addr) flowID {
	return flowID{ID: portspace.ID{Netns: netns, Device: device, Local: local}}
}

func bindIDOf(e *event.Event) flowID { return bindID(e.Netns, e.Device, e.Src.Addr) }

// bindSpace returns what the table calls a bind space.
func (id flowID) bindSpace() portspace.BindID {
	return portspace.BindID{Netns: id.Netns, Device: id.Device, Local: id.Local}
}

// dest returns the destination for which the flow can stand; that of a bind space is its address.
func (id flowID) dest() destKey {
	key := destKey{netns: id.Netns, remote: id.Remote, proto: event.TCP}
	if !id.Remote.Known() {
		key.remote.Addr = id.Local
	}
	return key
}

func flowOf(e *event.Event) flowID { return flowID{portspace.IDOf(e), e.SocketRange} }

func compareFlow(a, b flowID) int {
	return cmp.Or(a.Compare(b.ID), a.ports.Compare(b.ports))
}

// fold takes connections that were counted and not delivered one by one.
func (f *flows) fold(e *event.Event, fold *event.Fold) {
	flow := f.byDest[destKey{netns: e.Netns, remote: e.Dst, proto: e.Proto}]
	if flow == nil {
		return
	}
	flow.last = max(flow.last, e.Time)
	flow.Fold(e, fold)
	early := event.Fold{Opens: fold.EarlyBinds, EarlyBinds: fold.EarlyBinds}
	if flow.EarlyShare() > 0.5 { // as of closes that are delivered
		early.ClosesOut, early.TimeWaitOut, early.Lifetimes = fold.ClosesOut, fold.TimeWaitOut, fold.Lifetimes
	}
	if early != (event.Fold{}) {
		f.earlyUsage(e).Fold(e, &early)
	}
}
