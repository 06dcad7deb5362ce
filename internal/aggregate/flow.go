package aggregate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxFlows bounds the port spaces whose use is followed.
const maxFlows = 8192

// flowID is who draws from a space: sockets that have a range of their own
// (IP_LOCAL_PORT_RANGE) find it full earlier than the others.
type flowID struct {
	portspace.ID
	ports event.PortRange
}

// flow is how a port space is used: what a forecast goes by. Which ports are in use
// is known to the portspace.Table.
type flow struct {
	id            flowID
	history       history // a connection's end counts in the second in which it was opened
	first, last   event.Time
	opens         uint64
	selected      bool
	newest        bool   // the last one that was used towards its destination
	exhausted     uint64 // calls that found no port
	lastExhausted event.Time
	failing       event.Time // since when no call found a port, 0: one has since

	ends    ends
	search  lifetimes // in the port search of connect()
	choices choices
}

// choices are the ports that connect() chose in the last seconds, and how many were of
// the parity that it tries second (__inet_hash_connect, net/ipv4/inet_hashtables.c).
type choices struct {
	seconds [snapshot.RateWindow / time.Second]choice
}

type choice struct {
	at         int64
	all, later int
}

func (c *choices) add(at event.Time, port uint16, r event.PortRange) {
	slot := &c.seconds[secondOf(at)%int64(len(c.seconds))]
	if slot.at != secondOf(at) {
		*slot = choice{at: secondOf(at)}
	}
	slot.all++
	if (port-r.Low)%2 != 0 {
		slot.later++
	}
}

func (c *choices) share(now event.Time) float64 {
	var all, later int
	for _, s := range c.seconds {
		if s.at > secondOf(now)-int64(len(c.seconds)) {
			all += s.all
			later += s.later
		}
	}
	return float64(later) / float64(max(all, 1))
}

// flows are those of all port spaces.
type flows struct {
	byID map[flowID]*flow
	// What is not told one by one has no local address: it goes to the space that was
	// used last towards its destination.
	byDest map[destKey]*flow
	last   *flow

	// A filter narrows which spaces are listed to those that somebody selected draws
	// from, holds a port of since before the start, or has bound one of.
	filtered bool
	held     map[portspace.ID]bool
}

func newFlows() flows {
	return flows{byID: map[flowID]*flow{}, byDest: map[destKey]*flow{}, held: map[portspace.ID]bool{}}
}

// shows reports whether the space is among those to list.
func (f *flows) shows(id portspace.ID, flow *flow) bool {
	return !f.filtered || flow != nil && flow.selected || f.held[id]
}

// find takes a socket that a census has found.
func (f *flows) find(e *event.Event) {
	switch {
	case e.Flags.Has(event.NotSelected):
		f.filtered = true
	case e.Dst.Known():
		f.hold(portspace.IDOf(e))
	case e.State == event.StateBound:
		f.hold(bindID(e.Netns, e.Src.Addr).ID)
	}
}

func (f *flows) hold(id portspace.ID) {
	if len(f.held) < maxFlows {
		f.held[id] = true
	}
}

// miss takes a connection whose end nobody saw.
func (f *flows) miss(e *event.Event) {
	if flow := f.byID[flowOf(e)]; flow != nil && e.Direction == event.Out {
		flow.ends.leave(e.Time, 1)
	}
}

func (f *flows) of(id flowID, at event.Time) *flow {
	if f.last != nil && f.last.id == id {
		f.last.last = max(f.last.last, at)
		return f.last
	}
	flow := f.byID[id]
	if flow == nil {
		if len(f.byID) >= maxFlows {
			f.forget()
		}
		flow = newFlow(id, at)
		f.byID[id] = flow
	}
	flow.last = max(flow.last, at)
	f.last = flow
	if !flow.newest {
		f.prefer(flow)
	}
	return flow
}

// prefer makes the flow the one that stands for its destination.
func (f *flows) prefer(flow *flow) {
	key := destKey{flow.id.Netns, flow.id.Remote, event.TCP}
	if before := f.byDest[key]; before != nil {
		before.newest = false
	}
	f.byDest[key], flow.newest = flow, true
}

func newFlow(id flowID, at event.Time) *flow { return &flow{id: id, first: at} }

// choose notes whether the filter selects what draws from the space.
func (f *flow) choose(e *event.Event) {
	f.selected = f.selected || !e.Flags.Has(event.NotSelected)
}

// forget drops the eighth that has been quiet longest.
func (f *flows) forget() {
	all := make([]*flow, 0, len(f.byID))
	for _, flow := range f.byID {
		all = append(all, flow)
	}
	slices.SortFunc(all, func(a, b *flow) int {
		return cmp.Or(cmp.Compare(a.last, b.last), compareFlow(a.id, b.id))
	})
	for _, flow := range all[:len(all)/8] {
		delete(f.byID, flow.id)
		if key := (destKey{flow.id.Netns, flow.id.Remote, event.TCP}); f.byDest[key] == flow {
			delete(f.byDest, key)
		}
	}
	f.last = nil
}

func (f *flows) restart() {
	*f = flows{byID: map[flowID]*flow{}, byDest: map[destKey]*flow{}, filtered: f.filtered, held: f.held}
}

// add takes what happened in a port space.
func (f *flows) add(e *event.Event, n uint64, table *portspace.Table) {
	if e.Proto != event.TCP {
		return
	}
	f.filtered = f.filtered || e.Flags.Has(event.NotSelected)
	switch e.Kind {
	case event.Open:
		flow := f.of(flowOf(e), e.Time)
		flow.choose(e)
		flow.opens += n
		flow.ends.open(e.Time, n)
		if !e.Flags.Has(event.EarlyBind) {
			flow.failing = 0
		}
		flow.history.add(e.Time, snapshot.Point{Opens: uint32(n)})
		if e.PortSearch != 0 {
			flow.search.add(time.Duration(e.PortSearch))
		}
		r := table.Netns(e.Netns).Fact().Ports
		if !e.Flags.Has(event.EarlyBind) && !e.Ports.Known() && r.Holds(e.Src.Port) {
			flow.choices.add(e.Time, e.Src.Port, r)
		}
	case event.Close:
		if e.Direction == event.Out && e.Duration != 0 {
			f.of(flowOf(e), e.Time).end(e, n)
		}
	case event.Bind:
		if !e.Flags.Has(event.NotSelected) {
			f.hold(bindID(e.Netns, e.Src.Addr).ID)
		}
	case event.ConnectFail, event.BindFail:
		if e.Reason == event.RangeExhausted {
			f.exhausted(e, n)
		}
		if e.Flags.Has(event.HadPort) {
			f.of(flowOf(e), e.Time).end(e, n)
		}
	}
}

func (f *flows) exhausted(e *event.Event, n uint64) {
	id := flowOf(e)
	if e.Kind == event.BindFail {
		id = bindID(e.Netns, e.Src.Addr)
	} else if known := f.byDest[destKey{e.Netns, e.Dst, event.TCP}]; known != nil && unspecified(e.Src.Addr) {
		id = known.id
	}
	flow := f.of(id, e.Time)
	flow.choose(e)
	flow.exhausted += n
	if flow.failing == 0 {
		flow.failing = cmp.Or(e.First, e.Time)
	}
	flow.lastExhausted = max(flow.lastExhausted, e.Time, e.Last)
	flow.history.add(e.Time, snapshot.Point{Failures: uint32(n)})
}

// unspecified reports whether no address is known: IPv6's or IPv4's wildcard.
func unspecified(a event.Addr) bool { return a.IP().IsUnspecified() }

// bindID names the space that bind() to port 0 of an address draws from.
func bindID(netns uint32, local event.Addr) flowID {
	return flowID{ID: portspace.ID{Netns: netns, Local: local}}
}

func flowOf(e *event.Event) flowID { return flowID{portspace.IDOf(e), e.Ports} }

// fold takes opens that were counted and not told one by one.
func (f *flows) fold(e *event.Event, fold *event.Fold) {
	flow := f.byDest[destKey{e.Netns, e.Dst, e.Proto}]
	if flow == nil {
		return
	}
	flow.opens += fold.Opens
	flow.history.add(e.Time, snapshot.Point{Opens: uint32(fold.Opens), Closes: uint32(fold.ClosesOut)})
	flow.ends.open(e.Time, fold.Opens)
	flow.ends.leave(e.Time, fold.ClosesOut)
}

// forecastWindow is over how many whole seconds the rate of a forecast is taken.
const forecastWindow = 10

// rate is the mean of opens in the last whole seconds, since the first if that is more
// recent, and its standard error. Nothing keeps arrivals from being burstier or steadier
// than chance, so the error comes of the seconds themselves where there are enough.
func (f *flow) rate(now event.Time) (rate, deviation float64) {
	last := secondOf(now) - 1
	from := max(last-forecastWindow+1, secondOf(f.first))
	if last < from { // the first second is not over
		passed := max(now.Sub(f.first), 100*time.Millisecond).Seconds()
		return float64(f.opens) / passed, math.Sqrt(float64(f.opens)) / passed
	}
	var sum, squares float64
	n := float64(last - from + 1)
	for _, s := range f.history.seconds {
		if from <= s.at && s.at <= last {
			sum += float64(s.Opens)
			squares += float64(s.Opens) * float64(s.Opens)
		}
	}
	if secondOf(f.first) == from { // it began in the midst of that second
		whole := event.Time((from + 1) * int64(time.Second)).Sub(f.first).Seconds()
		n -= 1 - whole
	}
	rate = sum / n
	if n < 3 {
		return rate, math.Sqrt(sum) / n
	}
	variance := max(squares/n-rate*rate, 0)
	return rate, math.Sqrt(variance / n)
}
