package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// gaps are the parts of the stream that are missing. The newest are kept: a damaged
// recording can have any number.
type gaps struct {
	from   event.Time // what was over by then does not matter; 0: all does
	newest []event.Gap
	older  uint64
}

func (g *gaps) add(gap event.Gap) {
	if g.over(gap) {
		return
	}
	g.newest = append(g.newest, gap)
	if len(g.newest) > maxGaps {
		g.newest = g.newest[1:]
		g.older++
	}
}

func (g *gaps) over(gap event.Gap) bool { return gap.End != 0 && gap.End <= g.from }

func (g *gaps) restart(from event.Time) {
	g.from = from
	g.newest = slices.DeleteFunc(g.newest, g.over)
	g.older = 0
}

func (g *gaps) rows(clock event.Clock) []snapshot.Gap {
	var rows []snapshot.Gap
	for _, gap := range g.newest {
		rows = append(rows, snapshot.Gap{
			Begin: wallTime(clock, gap.Begin), End: wallTime(clock, gap.End), Truncated: gap.Truncated, Unrecorded: gap.Unrecorded,
		})
	}
	return rows
}
