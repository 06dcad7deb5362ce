package snapshot

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestForecastInWords(t *testing.T) {
	t.Parallel()
	in := func(eta, low, high time.Duration) Forecast {
		return Forecast{Known: true, ETA: eta, Low: low, High: high}
	}
	for _, tc := range []struct {
		forecast Forecast
		want     string
	}{
		{Forecast{}, "-"},
		{Forecast{Known: true, Never: true}, "never"},
		{Forecast{Known: true, Never: true, Low: -1, High: -1}, "never"},
		{Forecast{Known: true, Never: true, Low: 3 * time.Minute, High: -1}, "never (3 min at the earliest)"},
		{in(0, 0, 0), "now"},
		{in(40*time.Second, 35*time.Second, 48*time.Second), "in 40 s (35-48 s)"},
		{in(40*time.Second, 40*time.Second, 40*time.Second), "in 40 s"},
		{in(90*time.Second, 80*time.Second, 3*time.Minute), "in 90 s (80 s-3 min)"},
		{in(40*time.Second, 35*time.Second, -1), "in 40 s (35 s-never)"},
		{in(3*time.Hour, 170*time.Minute, 190*time.Minute), "in 3 h"},
		{in(71*time.Hour, 50*time.Hour, 300*time.Hour), "in 3 days (2-13 days)"},
	} {
		if got := tc.forecast.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestSpacesByETA(t *testing.T) {
	t.Parallel()
	rows := []PortSpace{
		{Device: 1},
		{Device: 2, Forecast: Forecast{Known: true, Never: true}},
		{Device: 3, Forecast: Forecast{Known: true, ETA: time.Hour}},
		{Device: 4, Forecast: Forecast{Known: true, ETA: time.Minute}},
		{Device: 5, Occupancy: event.Occupancy{Capacity: 10, Live: 10}, Forecast: Forecast{Known: true, Never: true}}, // full whatever was forecast
	}
	by, _ := ColumnNamed(SpaceColumns(), "eta")
	var got []uint32
	for _, row := range Sort(rows, by, false) {
		got = append(got, row.Device)
	}
	if want := []uint32{5, 4, 3, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
