package tui

import (
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// processes is who takes ports: one by one, or in groups.
type processes struct {
	pane     // the one of the two that is shown
	single   *processTable
	groups   *groupTable
	grouping snapshot.Grouping
}

func newProcesses() *processes {
	p := &processes{single: newProcessTable(), groups: newGroupTable(), grouping: snapshot.ByProcess}
	p.pane = p.single
	return p
}

// regroup goes on to the next way to group. What is shown then is to be set.
func (p *processes) regroup() {
	all := snapshot.Groupings()
	p.grouping = all[(slices.Index(all, p.grouping)+1)%len(all)]
	p.groups.by, p.pane = p.grouping, p.groups
	if p.grouping == snapshot.ByProcess {
		p.pane = p.single
	}
}
