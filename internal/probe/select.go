package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// selectTargets fills the map of selected processes before other programs are attached.
// Forks are traced first, so that no child is missed.
func (p *Probe) selectTargets() error {
	if p.opts.Children {
		if err := p.attach(rung{programs: []string{forksProgram}}); err != nil {
			return fmt.Errorf("tracing forks for --children: %w", err)
		}
	}
	for _, t := range p.opts.Targets {
		if err := p.Select(t); err != nil {
			return err
		}
	}
	return nil
}

// Select adds a process to the selected ones.
func (p *Probe) Select(id event.ProcID) error {
	if err := p.maps["pt_targets"].Put(id.PID, id.Start); err != nil {
		return fmt.Errorf("selecting process %d: %w", id.PID, err)
	}
	return nil
}

// Selected reports whether the process is selected.
func (p *Probe) Selected(id event.ProcID) bool {
	if p.opts.Targets == nil {
		return true
	}
	var start uint64
	return p.maps["pt_targets"].Lookup(id.PID, &start) == nil && start == id.Start
}
