package metrics

import (
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

var spaceHolder = gauge("port_space_holder_ports", "Ports of the program that holds most, of a space that is at least half taken.",
	slices.Concat(spaceNames, ownerNames)...)

// addHolder adds who holds most ports. Of a space that has as much room again it would change often, and
// matters to no one.
func (out *series) addHolder(p *snapshot.PortSpace, l labels) {
	if p.Capacity == 0 || p.Taken()*2 < p.Capacity {
		return
	}
	if programs, _ := p.HoldersByProgram(); len(programs) > 0 {
		owner := ownerOf(&programs[0].Proc)
		l = l.with(label{"program", owner.program}, label{"unit", owner.unit}, label{"container", owner.container})
		out.add(spaceHolder, l, float64(programs[0].Ports()))
	}
}
