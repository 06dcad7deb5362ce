package metrics

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// spaceOf returns a port space of 1,000 ports towards a port, with some in use.
func spaceOf(port uint16, live int) snapshot.PortSpace {
	return snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: 1, Proto: event.TCP, Remote: event.Endpoint{Port: port},
		Occupancy: event.Occupancy{Capacity: 1000, Live: live},
	}
}

// choice lets a collector choose, and returns the ports of what it lists.
func choice(p *places[snapshot.SpaceID, snapshot.PortSpace], at event.Time, rows ...snapshot.PortSpace) (ports []uint16) {
	listed, rest := p.choose(rows, at, true)
	for _, row := range listed {
		ports = append(ports, row.Remote.Port)
	}
	slices.Sort(ports)
	for _, row := range rest {
		if slices.Contains(ports, row.Remote.Port) {
			return nil // it counts twice
		}
	}
	return ports
}

func TestSpacesKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	p := newSpacePlaces(2)
	minute := event.Time(time.Minute)
	for _, step := range []struct {
		what string
		at   event.Time
		rows []snapshot.PortSpace
		want []uint16
	}{
		{"room for the fullest", 1, []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 50), spaceOf(3, 40)}, []uint16{1, 2}},
		{"fuller, but not by much", 2, []snapshot.PortSpace{spaceOf(3, 90), spaceOf(1, 100), spaceOf(2, 50)}, []uint16{1, 2}},
		{"twice as full", 3, []snapshot.PortSpace{spaceOf(3, 120), spaceOf(1, 100), spaceOf(2, 50)}, []uint16{1, 3}},
		{"empty for a moment", 4, []snapshot.PortSpace{spaceOf(3, 120), spaceOf(1, 0), spaceOf(2, 8)}, []uint16{1, 3}},
		{"gone for a moment", minute, []snapshot.PortSpace{spaceOf(3, 120), spaceOf(2, 8)}, []uint16{1, 3}},
		{"there again", 2 * minute, []snapshot.PortSpace{spaceOf(3, 120), spaceOf(1, 1), spaceOf(2, 8)}, []uint16{1, 3}},
		{"empty", 3 * minute, []snapshot.PortSpace{spaceOf(3, 120), spaceOf(1, 0), spaceOf(2, 8)}, []uint16{1, 3}},
		{"empty for long", 8 * minute, []snapshot.PortSpace{spaceOf(3, 120), spaceOf(1, 0), spaceOf(2, 8)}, []uint16{2, 3}},
		{"nearly full", 9 * minute, []snapshot.PortSpace{spaceOf(3, 500), spaceOf(2, 510), spaceOf(4, 810)}, []uint16{2, 4}},
		{"both full, and a third", 10 * minute, []snapshot.PortSpace{spaceOf(3, 1000), spaceOf(2, 1000), spaceOf(4, 1000)}, []uint16{2, 4}},
		{"gone", 11 * minute, []snapshot.PortSpace{spaceOf(4, 1)}, []uint16{2, 4}},
		{"gone for long", 16 * minute, []snapshot.PortSpace{spaceOf(4, 1)}, []uint16{4}},
	} {
		if got := choice(p, step.at, step.rows...); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v are listed, want %v", step.what, got, step.want)
		}
	}
}

// TestSpacesSum: the series of all port spaces together have every port in use, whichever are listed.
func TestSpacesSum(t *testing.T) {
	t.Parallel()
	c := NewCollector(3, "1")
	for round := range 50 {
		s := &snapshot.Snapshot{At: event.Time(round) * second, OtherPortSpaces: 5, OtherSpaces: event.Occupancy{TimeWait: 7}}
		want := 7
		for i := range 20 {
			use := (i*37 + round*i*11) % 1000
			want += use
			s.PortSpaces = append(s.PortSpaces, spaceOf(uint16(i), use))
		}
		c.Set(&View{Snapshot: s, Counts: &Counts{}})
		got, series := 0.0, 0
		for _, sample := range c.series() {
			if sample.family == spaceInUse {
				got, series = got+sample.value, series+1
			}
		}
		if got != float64(want) || series != 4 {
			t.Fatalf("round %d: %d series have %v ports in use, want %d", round, series, got, want)
		}
	}
}

// TestExhaustedNeverShrinks: what is counted of a space goes on when its row starts again.
func TestExhaustedNeverShrinks(t *testing.T) {
	t.Parallel()
	c := NewCollector(1, "1")
	for i, step := range []struct{ counted, want uint64 }{{3, 3}, {10, 10}, {2, 12}, {2, 12}, {5, 15}} {
		row := spaceOf(1, 10)
		row.Exhausted = step.counted
		c.Set(&View{Snapshot: &snapshot.Snapshot{At: event.Time(i+1) * second, PortSpaces: []snapshot.PortSpace{row}}, Counts: &Counts{}})
		for _, sample := range c.series() {
			if sample.family == spaceExhausted && sample.value != float64(step.want) {
				t.Errorf("step %d: %v, want %d", i, sample.value, step.want)
			}
		}
	}
}
