package snapshot

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestWorstSpace(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	free := PortSpace{Kind: ConnectSpace, Device: 1, Occupancy: event.Occupancy{Capacity: 1000, Live: 800}}
	nearly := PortSpace{Kind: ConnectSpace, Device: 2, Occupancy: event.Occupancy{Capacity: 1000, TimeWait: 801}}
	fuller := PortSpace{Kind: ConnectSpace, Device: 3, Occupancy: event.Occupancy{Capacity: 1000, Bound: 950}}
	reused := PortSpace{Kind: ConnectSpace, Device: 4, Occupancy: event.Occupancy{Capacity: 1000, TimeWait: 1000, Reusable: 990}}
	failing := PortSpace{Kind: ConnectSpace, Device: 5, Occupancy: event.Occupancy{Capacity: 1000}, LastExhausted: now.Add(-10 * time.Second)}
	failed := PortSpace{Kind: ConnectSpace, Device: 6, Occupancy: event.Occupancy{Capacity: 1000}, LastExhausted: now.Add(-11 * time.Second)}
	unknown := PortSpace{Kind: ConnectSpace, Device: 7, Occupancy: event.Occupancy{TimeWait: 28_000}}
	unwanted := PortSpace{Kind: BindSpace, Device: 8, Occupancy: event.Occupancy{Capacity: 1000, TimeWait: 990}}
	wanted := unwanted
	wanted.Device, wanted.Opens = 9, 1
	for _, tc := range []struct {
		name   string
		spaces []PortSpace
		want   uint32 // by its device, 0: none
		others int
	}{
		{"none", nil, 0, 0},
		{"calm", []PortSpace{free, reused, failed, unknown, unwanted}, 0, 0},
		{"the fullest", []PortSpace{nearly, free, fuller}, 3, 1},
		{"failing comes first", []PortSpace{fuller, failing, nearly}, 5, 2},
		{"bind", []PortSpace{unwanted, wanted}, 9, 0},
	} {
		got, others := (&Snapshot{Wall: now, PortSpaces: tc.spaces}).WorstSpace()
		var device uint32
		if got != nil {
			device = got.Device
		}
		if device != tc.want || others != tc.others {
			t.Errorf("%s: got %d and %d others, want %d and %d", tc.name, device, others, tc.want, tc.others)
		}
	}
}

func TestTakenPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ live, reusable, capacity, want int }{
		{0, 0, 0, 0}, {29, 0, 50, 58}, {50, 7, 100, 43}, {28231, 0, 28232, 99}, {28232, 0, 28232, 100}, {1, 2, 100, 0},
	} {
		s := PortSpace{Occupancy: event.Occupancy{Live: c.live, Reusable: c.reusable, Capacity: c.capacity}}
		if got := s.TakenPercent(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestRecent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		rate float64
		ago  time.Duration
		want bool
	}{
		{"earlier", 0, 61 * time.Second, false},
		{"just a minute ago", 0, time.Minute, true},
		{"a rate is now, whatever the clock says", 1, time.Hour, true},
	} {
		s := Snapshot{Wall: now}
		if got := s.Recent(&Failure{Rate: tc.rate, Last: now.Add(-tc.ago)}); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
}
