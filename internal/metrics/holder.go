package metrics

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

var spaceHolder = gauge("port_space_holder_ports", "Ports of the program that holds most, of a space that is at least half taken, or will be full within an hour.",
	slices.Concat(spaceNames, ownerNames)...)

// holderWithin is within which time a space must become full for its holder to be listed: the alerts of
// deploy/prometheus name it.
const holderWithin = time.Hour

// addHolder adds who holds most ports. Of a space that has as much room again, and will have, it would change often,
// and matters to no one.
func (out *series) addHolder(p *snapshot.PortSpace, l labels) {
	f := &p.Forecast
	soon := f.Known && !f.Never && f.ETA <= holderWithin
	if p.Capacity == 0 || p.Taken()*2 < p.Capacity && !soon {
		return
	}
	if programs, _ := p.HoldersByProgram(); len(programs) > 0 {
		owner := ownerOf(&programs[0].Proc)
		l = l.with(label{"program", owner.program}, label{"unit", owner.unit}, label{"container", owner.container})
		out.add(spaceHolder, l, float64(programs[0].Ports()))
	}
}
