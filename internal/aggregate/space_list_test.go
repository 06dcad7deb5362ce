package aggregate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// TestFullestSpaces: of many port spaces a snapshot has the fullest ones, in their order, and the
// number of the others.
func TestFullestSpaces(t *testing.T) {
	t.Parallel()
	const spaces = 5*maxSpaces + 7
	random := rand.New(rand.NewPCG(1, 2))
	s := of(ranged(usualRange.Low, usualRange.High))
	type fill struct{ sockets, port int }
	var want []fill
	for port := range spaces {
		f := fill{1 + random.IntN(3)*random.IntN(2), 1 + port} // most are as full as others
		want = append(want, f)
		for i := range f.sockets {
			s.Add([]event.Event{with(event.Open, func(e *event.Event) {
				e.Src.Port, e.Dst.Port = usualRange.Low+uint16(i), uint16(f.port)
			})})
		}
	}
	slices.SortStableFunc(want, func(a, b fill) int { return b.sockets - a.sockets })
	snap := s.Snapshot(0)
	if len(snap.PortSpaces) != maxSpaces || snap.OtherPortSpaces != spaces-maxSpaces {
		t.Fatalf("%d port spaces and %d others", len(snap.PortSpaces), snap.OtherPortSpaces)
	}
	others := 0
	for _, f := range want[maxSpaces:] {
		others += f.sockets
	}
	if snap.OtherSpaces.InUse() != others {
		t.Errorf("the others have %d ports in use, want %d", snap.OtherSpaces.InUse(), others)
	}
	for i := range snap.PortSpaces {
		if got := (fill{snap.PortSpaces[i].InUse(), int(snap.PortSpaces[i].Remote.Port)}); got != want[i] {
			t.Fatalf("row %d has %d sockets towards port %d, want %d towards %d", i, got.sockets, got.port, want[i].sockets, want[i].port)
		}
	}
}
