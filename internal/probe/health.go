package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// KindCounts counts the events of one kind since the start. Every event that the programs
// saw was delivered, or counted in a map because there were too many (Limited), the ring was
// full (Folded) or it was not selected (Filtered), or lost.
type KindCounts struct {
	Seen, Delivered, Limited, Folded, Filtered, Lost uint64
}

// Counts returns the counters of all kinds, in no particular order.
func (p *Probe) Counts() ([]KindCounts, error) {
	sums, err := p.counts()
	kinds := make([]KindCounts, 0, len(sums))
	for _, c := range sums {
		kinds = append(kinds, KindCounts{c.Seen, c.Delivered, c.Limited, c.Folded, c.Filtered, c.Lost})
	}
	return kinds, err
}

// counts returns the counters of each kind, summed over the CPUs.
func (p *Probe) counts() ([bpfEventKindKIND_COUNT]bpfKindCounts, error) {
	var sums [bpfEventKindKIND_COUNT]bpfKindCounts
	var perCPU []bpfKindCounts
	for kind := range sums {
		if err := p.maps["pt_counts"].Lookup(uint32(kind), &perCPU); err != nil {
			return sums, fmt.Errorf("reading counters: %w", err)
		}
		for _, c := range perCPU {
			sums[kind].Seen += c.Seen
			sums[kind].Delivered += c.Delivered
			sums[kind].Limited += c.Limited
			sums[kind].Folded += c.Folded
			sums[kind].Filtered += c.Filtered
			sums[kind].Lost += c.Lost
		}
	}
	return sums, nil
}

// Health returns what was delivered, folded, filtered and lost since the start, and what maps and
// programs cost.
func (p *Probe) Health() (event.Health, error) {
	var h event.Health
	sums, err := p.counts()
	if err != nil {
		return h, err
	}
	for kind, c := range sums {
		h.Events += c.Delivered
		h.LostDetails += c.Folded
		if kind == int(bpfEventKindKIND_CONNECT_FAIL) || kind == int(bpfEventKindKIND_BIND_FAIL) {
			h.Repeated += c.Limited
		} else {
			h.Limited += c.Limited
		}
		h.Filtered += c.Filtered
		h.Lost += c.Lost
	}
	for name, prog := range p.progs {
		// Kernels before 5.12 do not skip runs, and have no counter of them.
		if stats, err := prog.Stats(); err == nil {
			if name != skippedProgram { // while it runs, the other one does for what interrupts it
				h.Missed += stats.RecursionMisses
			}
			h.ProgramTime += uint64(stats.Runtime)
			h.ProgramRuns += stats.RunCount
		}
	}
	caught, err := p.caught()
	h.Missed -= min(h.Missed, caught)
	h.Maps = p.mapBytes
	return h, err
}
