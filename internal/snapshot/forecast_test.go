package snapshot

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

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
