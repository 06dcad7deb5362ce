package metrics

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var (
	spaceNames = []string{"kind", "netns", "netns_name", "family", "proto", "saddr", "daddr", "dport", "range"}

	spaceCapacity    = gauge("port_space_capacity_ports", "Ports of the range that are not reserved.", spaceNames...)
	spaceInUse       = gauge("port_space_in_use_ports", "Ports that are not free.", spaceNames...)
	spaceTaken       = gauge("port_space_taken_ports", "Ports in use that the next call cannot have. The space is full when this is its capacity.", spaceNames...)
	spaceHeadroom    = gauge("port_space_headroom_ports", "Capacity less ports in use.", spaceNames...)
	spaceState       = gauge("port_space_state_ports", "Ports in use by what holds them, each in one state.", append(spaceNames, "state")...)
	spaceExhaustion  = gauge("port_space_exhaustion_seconds", "When the space will be full at the current rate; 0 when it is, absent when never.", spaceNames...)
	spaceEarliest    = gauge("port_space_exhaustion_low_seconds", "When the space will be full at the earliest: the lower end of the interval.", spaceNames...)
	spaceExhausted   = counter("port_space_exhausted_calls", "Calls that found no port.", spaceNames...)
	spaceWanted      = gauge("port_space_opens_per_second", "Ports that are allocated, and calls that found none, over the last 5 seconds.", spaceNames...)
	spaceSustainable = gauge("port_space_sustainable_opens_per_second", "Opens that the space can serve at current lifetimes.", spaceNames...)
	portSpaces       = gauge("port_spaces", "Port spaces with sockets, by how full they are.", "state")
)

func newSpacePlaces(limit int) *places[snapshot.SpaceID, snapshot.PortSpace] {
	return &places[snapshot.SpaceID, snapshot.PortSpace]{
		limit: limit, margin: 0.01, // of the capacity
		key: (*snapshot.PortSpace).ID,
		fill: func(p *snapshot.PortSpace, before event.SpaceState) fill {
			idle := p.InUse() == 0 && p.Wanted == 0
			return fill{idle, p.StateAfter(before), p.TakenShare()}
		},
		strip: func(p *snapshot.PortSpace) snapshot.PortSpace {
			return snapshot.PortSpace{
				Kind: p.Kind, Netns: p.Netns, NetnsName: p.NetnsName, Proto: p.Proto, Local: p.Local, Remote: p.Remote,
				Device: p.Device, Range: p.Range, PerSocketRange: p.PerSocketRange,
				Occupancy: event.Occupancy{Capacity: p.Capacity},
			}
		},
		listed: map[snapshot.SpaceID]*place[snapshot.PortSpace]{},
	}
}

func (c *Collector) addSpaces(out *series, s *snapshot.Snapshot) {
	listed, rest := c.spaces.choose(s.PortSpaces, s.At, s.OtherPortSpaces == 0)
	for _, p := range listed {
		l := spaceLabels(p)
		out.addSpace(p, l)
		out.addHolder(p, l)
		out.add(spaceExhausted, l, float64(c.grown(p)))
	}
	for id := range c.exhausted {
		if c.spaces.listed[id] == nil {
			delete(c.exhausted, id)
		}
	}
	if len(rest) > 0 || s.OtherPortSpaces > 0 {
		sum := s.OtherSpaces
		for _, p := range rest {
			sum.Add(&p.Occupancy)
		}
		out.addOccupancy(&sum, otherSpace)
	}
	out.addSpaceCounts(s)
}

var otherSpace = func() labels {
	var list []label
	for _, n := range spaceNames {
		list = append(list, label{n, ""})
	}
	list[0].value = other
	return labelsOf(list...)
}()

// growth counts how a figure has grown that starts from 0 again when its row does.
type growth struct{ last, sum uint64 }

func (g *growth) add(now uint64) {
	if now < g.last {
		g.last = 0
	}
	g.sum += now - g.last
	g.last = now
}

// grown returns how many calls have found no port since the space is listed.
func (c *Collector) grown(p *snapshot.PortSpace) uint64 {
	id := p.ID()
	g := c.exhausted[id]
	if g == nil {
		g = &growth{}
		c.exhausted[id] = g
	}
	if c.spaces.listed[id].there {
		g.add(p.Exhausted)
	}
	return g.sum
}

func (out *series) addSpace(p *snapshot.PortSpace, l labels) {
	out.addOccupancy(&p.Occupancy, l)
	if p.Capacity > 0 {
		out.add(spaceCapacity, l, float64(p.Capacity))
		out.add(spaceHeadroom, l, float64(max(p.Headroom(), 0)))
	}
	out.add(spaceWanted, l, p.Wanted)
	if p.Sustainable > 0 {
		out.add(spaceSustainable, l, p.Sustainable)
	}
	switch f := &p.Forecast; {
	case p.IsFull():
		out.add(spaceExhaustion, l, 0)
		out.add(spaceEarliest, l, 0)
	case f.Known && !f.Never:
		out.add(spaceExhaustion, l, f.ETA.Seconds())
		out.add(spaceEarliest, l, f.Low.Seconds())
	}
}

// state is a value of the label of that name.
type state struct {
	name  label
	count int
}

func (out *series) addOccupancy(o *event.Occupancy, l labels) {
	out.add(spaceInUse, l, float64(o.InUse()))
	out.add(spaceTaken, l, float64(o.Taken()))
	for _, s := range []state{
		{stateOpen, o.Live - o.SynSent - o.CloseWait},
		{stateSynUnanswered, o.SynSent},
		{stateCloseWait, o.CloseWait},
		{stateTimeWait, o.TimeWait - o.FinWait2},
		{stateFinWait2, o.FinWait2},
		{stateBound, o.Bound},
	} {
		out.add(spaceState, l.with(s.name), float64(s.count))
	}
}

var (
	stateOpen          = label{"state", "open"}
	stateSynUnanswered = label{"state", "syn_unanswered"}
	stateCloseWait     = label{"state", "close_wait"}
	stateTimeWait      = label{"state", "time_wait"}
	stateFinWait2      = label{"state", "fin_wait2"}
	stateBound         = label{"state", "bound"}
)

// addSpaceCounts adds how many spaces there are. Those that the snapshot has no room for are the emptiest.
func (out *series) addSpaceCounts(s *snapshot.Snapshot) {
	counts := [event.SpaceFull + 1]int{event.SpaceOK: s.OtherPortSpaces}
	for i := range s.PortSpaces {
		counts[s.PortSpaces[i].StateAfter(event.SpaceOK)]++
	}
	for i, n := range counts {
		out.addOf(portSpaces, float64(n), label{"state", event.SpaceState(i).String()})
	}
}
