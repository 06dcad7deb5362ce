package phrase

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestSpacesWithoutAllocations: ports that are only bound do not make the range unknown.
func TestSpacesWithoutAllocations(t *testing.T) {
	t.Parallel()
	bind := snapshot.PortSpace{Kind: snapshot.BindSpace, Occupancy: event.Occupancy{Capacity: 28_230, Bound: 10, TimeWait: 28_100}}
	rangeless := snapshot.PortSpace{Kind: snapshot.ConnectSpace, Occupancy: event.Occupancy{Live: 10}}
	for want, spaces := range map[string][]snapshot.PortSpace{
		"no allocations seen": {bind, rangeless},
		"port range unknown":  {rangeless},
	} {
		if got := Spaces(&snapshot.Snapshot{PortSpaces: spaces}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
