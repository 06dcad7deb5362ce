package aggregate

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// The maps of a snapshot are used again, empty, until they have room for far more than is needed.
func TestBacklogMaps(t *testing.T) {
	t.Parallel()
	var spare backlogMaps
	use := func(keys int) (had int) {
		maps := spare.take()
		if len(maps.processes)+len(maps.dests)+len(maps.pairs) > 0 {
			t.Fatalf("not empty: %+v", maps)
		}
		had = maps.most
		for i := range keys {
			maps.processes[event.ProcID{PID: uint32(i)}] = gauges{live: 1}
		}
		spare.giveBack(maps)
		return had
	}
	const storm = 100 * keptBacklog
	for i, keys := range []int{storm, storm / 2, 1, 1} {
		if had, want := use(keys), []int{0, storm, storm, 0}[i]; had != want {
			t.Errorf("%d keys: the maps had %d at most, want %d", keys, had, want)
		}
	}
}
