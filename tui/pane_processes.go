package tui

import (
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// processes is the table of the processes that allocate ports: one by one, or in groups.
type processes struct {
	pane      // the one of the two that is shown
	ungrouped *processTable
	groups    *groupTable
	grouping  snapshot.Grouping
}

func newProcesses() *processes {
	p := &processes{ungrouped: newProcessTable(), groups: newGroupTable(), grouping: snapshot.ByProgram}
	p.groupBy(snapshot.ByProgram)
	return p
}

// groupBy shows another grouping. The caller must set the pane that is shown then.
func (p *processes) groupBy(by snapshot.Grouping) {
	p.grouping = by
	p.groups.by, p.pane = by, p.groups
	if by == snapshot.ByProcess {
		p.pane = p.ungrouped
	}
}

// regroup goes on to the next grouping. The caller must set the pane that is shown then.
func (p *processes) regroup() {
	all := snapshot.Groupings()
	p.groupBy(all[(slices.Index(all, p.grouping)+1)%len(all)])
}
