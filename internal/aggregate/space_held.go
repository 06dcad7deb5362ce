package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	maxHeldRanges = 3
	// maxStep is how far apart two neighbours of a range may be: connect() takes every other port
	// first, and of a block that a program uses some are free.
	maxStep = 4
	// minHeldShare is the least share of a holder's ports that makes a range of its own, in
	// percent: of many ports that lie anywhere some are neighbours by chance.
	minHeldShare = 20
)

// heldRanges finds the ranges in which the ports of a holder lie. The ports must come in order.
type heldRanges struct {
	run    snapshot.HeldRange   // the one that the next port may belong to
	ranges []snapshot.HeldRange // most ports first
	rest   snapshot.HeldRange
}

func (h *heldRanges) add(port uint16, bound int) {
	if h.run.Ports > 0 && int(port)-int(h.run.High) > maxStep {
		h.endRun()
	}
	if h.run.Ports == 0 {
		h.run.Low = port
	}
	h.run.High = port
	h.run.Ports++
	h.run.Bound += bound
}

// endRun keeps the run if it is one of those with most ports.
func (h *heldRanges) endRun() {
	run := h.run
	h.run = snapshot.HeldRange{}
	switch last := len(h.ranges) - 1; {
	case run.Ports == 0:
		return
	case 2*run.Ports < run.Size():
		h.addRest(run)
		return
	case last+1 < maxHeldRanges:
		h.ranges = append(h.ranges, run)
	case h.ranges[last].Ports < run.Ports:
		h.addRest(h.ranges[last])
		h.ranges[last] = run
	default:
		h.addRest(run)
		return
	}
	slices.SortStableFunc(h.ranges, func(a, b snapshot.HeldRange) int { return cmp.Compare(b.Ports, a.Ports) })
}

func (h *heldRanges) addRest(r snapshot.HeldRange) {
	if h.rest.Ports == 0 {
		h.rest = r
		return
	}
	h.rest.Low, h.rest.High = min(h.rest.Low, r.Low), max(h.rest.High, r.High)
	h.rest.Ports += r.Ports
	h.rest.Bound += r.Bound
}

func (h *heldRanges) result() *snapshot.HeldPorts {
	h.endRun()
	all := h.rest.Ports
	for _, r := range h.ranges {
		all += r.Ports
	}
	var ranges []snapshot.HeldRange
	for _, r := range h.ranges {
		if r.Ports*100 < all*minHeldShare {
			h.addRest(r)
			continue
		}
		ranges = append(ranges, r)
	}
	slices.SortFunc(ranges, func(a, b snapshot.HeldRange) int { return a.Compare(b.PortRange) })
	return &snapshot.HeldPorts{Ranges: ranges, Rest: h.rest}
}

// held returns where the ports of the holders lie. number numbers the processes from 1 to most.
func (p *portPlot) held(holders []snapshot.Holder, number func(event.ProcID) int32, most int) []*snapshot.HeldPorts {
	finders := make([]heldRanges, len(holders))
	byNumber := make([]*heldRanges, most+len(holders)+1)
	for i := range holders {
		byNumber[number(holders[i].Proc.ID)] = &finders[i]
	}
	for i := nextTaken(p.classes, 0); i < len(p.classes); i = nextTaken(p.classes, i+1) {
		if finder := byNumber[p.holders[i]]; finder != nil {
			finder.add(p.ports.Low+uint16(i), int(p.classes[i]&byBind/byBind))
		}
	}
	list := make([]*snapshot.HeldPorts, len(holders))
	for i := range finders {
		list[i] = finders[i].result()
	}
	return list
}
