package snapshot

import (
	"runtime"
	"testing"
)

// TestBytes: it is what the rows take, within a fifth.
func TestBytes(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := &Snapshot{Processes: make([]Process, 100), Destinations: make([]Destination, 5_000), Pairs: make([]Pair, 5_000), PortSpaces: make([]PortSpace, 1_000)}
	for i := range s.Processes {
		s.Processes[i].Destinations = make([]Pair, 50)
	}
	for i := range s.Destinations {
		s.Destinations[i].Processes = s.Pairs[i : i+1 : i+1]
	}
	for i := range s.PortSpaces {
		s.PortSpaces[i].Map = &PortMap{Slices: make([]PortSlice, MaxSlices)}
		s.PortSpaces[i].Holders = make([]Holder, 10)
	}
	runtime.ReadMemStats(&after)
	took := float64(after.TotalAlloc - before.TotalAlloc)
	if got := float64(s.Bytes()); got < 0.8*took || got > 1.2*took {
		t.Errorf("%.0f bytes, it took %.0f", got, took)
	}
	runtime.KeepAlive(s)
}

// A snapshot has a thousand spaces, and a live screen several snapshots: what most spaces do not have must
// take little.
func TestSpaceIsSmall(t *testing.T) {
	t.Parallel()
	if spaceBytes > 700 {
		t.Errorf("a space takes %d bytes", spaceBytes)
	}
}
