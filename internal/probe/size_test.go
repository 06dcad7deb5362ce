package probe

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func TestRoom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		room  room
		conns uint32
	}{
		{"idle", room{8 << 30, 40}, minConns},
		{"busy", room{8 << 30, 30_000}, 120_000},
		{"very busy", room{64 << 30, 500_000}, maxConns},
		{"busy, little memory", room{64 << 20, 30_000}, 34_952},
		{"small host", room{256 << 20, 40}, minConns},
		{"tiny", room{1 << 20, 40}, leastConns},
	}
	for _, test := range tests {
		if conns := test.room.conns(120); conns != test.conns {
			t.Errorf("%s: %d connections, want %d", test.name, conns, test.conns)
		}
	}
}

func TestAllocatedSockets(t *testing.T) {
	t.Parallel()
	const text = "sockets: used 61\nTCP: inuse 9 orphan 0 tw 2 alloc 14 mem 1\nUDP: inuse 0 mem 0\n"
	if got := allocatedSockets(text); got != 14 {
		t.Errorf("%d sockets of 14", got)
	}
	if got := allocatedSockets("TCP6: inuse 4\n"); got != 0 {
		t.Errorf("%d sockets of an unknown number", got)
	}
}

// What the user states comes before what the host has.
func TestSizeMaps(t *testing.T) {
	t.Parallel()
	small := room{64 << 20, 40}
	tests := []struct {
		opts Options
		want map[string]uint32
	}{
		{Options{}, map[string]uint32{"pt_events": 1 << 20, "pt_failures": 1 << 18, "pt_targets": 1, "pt_fails_first": 1 << 12}},
		{Options{MaxConns: 500, RingBytes: 4096}, map[string]uint32{"pt_conns": 500, "pt_events": 4096, "pt_failures": 4096, "pt_fails_first": 1 << 12}},
		{Options{Targets: []event.ProcID{}}, map[string]uint32{"pt_targets": 1 << 14}},
	}
	for _, test := range tests {
		spec, err := loadBpf()
		if err != nil {
			t.Fatal(err)
		}
		sizeMaps(spec.Maps, &test.opts, small)
		for name, want := range test.want {
			if got := spec.Maps[name].MaxEntries; got != want {
				t.Errorf("%s has %d entries, want %d with %+v", name, got, want, test.opts)
			}
		}
		for outer, inner := range innerMaps {
			if got, want := spec.Maps[outer].InnerMap.MaxEntries, spec.Maps[inner].MaxEntries; got != want {
				t.Errorf("the inner map of %s has %d entries, %s has %d", outer, got, inner, want)
			}
		}
	}
}
