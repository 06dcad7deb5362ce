package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// KindCounts is what became of the events of one kind since the start. Every one that
// the programs saw was delivered, or counted in a map because the ring was full or a
// filter left it out, or lost.
type KindCounts struct {
	Seen, Delivered, Folded, Filtered, Lost uint64
}

// Counts are the always-on counters by kind, in an order that does not matter.
func (p *Probe) Counts() ([]KindCounts, error) {
	sums, err := p.counts()
	kinds := make([]KindCounts, 0, len(sums))
	for _, c := range sums {
		kinds = append(kinds, KindCounts{c.Seen, c.Delivered, c.Folded, c.Filtered, c.Lost})
	}
	return kinds, err
}

// counts sums the always-on counters of each kind over the CPUs.
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
			sums[kind].Folded += c.Folded
			sums[kind].Filtered += c.Filtered
			sums[kind].Lost += c.Lost
		}
	}
	return sums, nil
}

// Health says what was delivered, counted and lost since the start.
func (p *Probe) Health() (event.Health, error) {
	var h event.Health
	sums, err := p.counts()
	if err != nil {
		return h, err
	}
	for _, c := range sums {
		h.Events += c.Delivered
		h.LostDetails += c.Folded
		h.Filtered += c.Filtered
		h.Lost += c.Lost
	}
	for _, prog := range p.progs {
		// Kernels before 5.12 do not count them, nor do they skip any runs.
		if stats, err := prog.Stats(); err == nil {
			h.Missed += stats.RecursionMisses
		}
	}
	return h, nil
}
