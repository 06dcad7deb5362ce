package probe

import (
	"fmt"

	"github.com/cilium/ebpf/link"
)

// loadSkipped loads the program for skipped runs, while there is the privilege for it.
func (p *Probe) loadSkipped() error {
	coll, err := p.loadPrograms([]string{skippedProgram}, false)
	if err != nil {
		return fmt.Errorf("loading %s: %w", skippedProgram, err)
	}
	defer coll.Close()
	p.progs[skippedProgram] = coll.DetachProgram(skippedProgram)
	if err := p.maps["pt_programs"].Put(uint32(0), p.progs[statesProgram]); err != nil {
		return fmt.Errorf("%s is to call %s: %w", skippedProgram, statesProgram, err)
	}
	return nil
}

// catchSkipped attaches the program for skipped runs (bpf/skipped.bpf.h) once the kernel has skipped
// one. Where no packet interrupts the programs, as on a loopback device, it would be a cost without use.
// Since 7.0 (a46023d5616e) other tasks interrupt them as well, for longer: there it is attached at once, or all
// that is skipped until the next call would be missing.
// If it cannot be attached, Health has the skipped runs as missed.
func (p *Probe) catchSkipped() {
	if p.catching {
		return
	}
	if !p.preempts {
		stats, err := p.progs[statesProgram].Stats()
		if err != nil || stats.RecursionMisses == 0 {
			return // before 5.12 there is no count, and no run is skipped
		}
	}
	p.catching = true
	l, err := link.AttachTracing(link.TracingOptions{Program: p.progs[skippedProgram]})
	if err != nil {
		return
	}
	p.links = append(p.links, l)
}

// caught returns how many skipped runs it has made up for.
func (p *Probe) caught() (uint64, error) {
	var perCPU []bpfStateRuns
	if err := p.maps["pt_state_runs"].Lookup(uint32(0), &perCPU); err != nil {
		return 0, fmt.Errorf("reading how many skipped runs were made up for: %w", err)
	}
	var sum uint64
	for _, runs := range perCPU {
		sum += runs.Caught
	}
	return sum, nil
}
