package snapshot

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestAtRisk(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	of := func(o event.Occupancy) PortSpace { return PortSpace{Kind: ConnectSpace, Occupancy: o} }
	exhausted := func(ago time.Duration) PortSpace {
		s := of(event.Occupancy{Capacity: 1000})
		s.LastExhausted = now.Add(-ago)
		return s
	}
	bind := func(opens uint64) PortSpace {
		s := of(event.Occupancy{Capacity: 1000, TimeWait: 990})
		s.Kind, s.Opens = BindSpace, opens
		return s
	}
	for name, tc := range map[string]struct {
		space PortSpace
		want  bool
	}{
		"four in five":         {of(event.Occupancy{Capacity: 1000, Live: 800}), false},
		"more":                 {of(event.Occupancy{Capacity: 1000, TimeWait: 801}), true},
		"reusable":             {of(event.Occupancy{Capacity: 1000, TimeWait: 1000, Reusable: 990}), false},
		"exhausted":            {exhausted(10 * time.Second), true},
		"exhausted before":     {exhausted(11 * time.Second), false},
		"capacity not known":   {of(event.Occupancy{TimeWait: 28_000}), false},
		"no bind() to port 0":  {bind(0), false},
		"one bind() to port 0": {bind(1), true},
	} {
		if got := tc.space.AtRisk(now); got != tc.want {
			t.Errorf("%s: %v", name, got)
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
