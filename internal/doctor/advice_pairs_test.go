package doctor

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Histories are unfolded when a space needs that, and not for each of a thousand destinations.
func TestPairsOfShareHistories(t *testing.T) {
	allocations := func(history snapshot.History) float64 {
		s := &snapshot.Snapshot{}
		for port := range uint16(1000) {
			remote := event.Endpoint{Port: port + 1}
			s.PortSpaces = append(s.PortSpaces, snapshot.PortSpace{Kind: snapshot.ConnectSpace, Remote: remote})
			s.Destinations = append(s.Destinations, snapshot.Destination{Remote: remote, History: history})
		}
		return testing.AllocsPerRun(10, func() { pairsOf(s) })
	}
	without, with := allocations(snapshot.History{}), allocations(snapshot.HistoryOf(make([]snapshot.Point, 120)...))
	if with > without+100 {
		t.Errorf("%.0f allocations, and %.0f with histories", without, with)
	}
}
