package main

import (
	"testing"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestMomentsAreBounded: of many large snapshots with findings the newest are kept.
func TestMomentsAreBounded(t *testing.T) {
	t.Parallel()
	m := moments{}
	for i := range 50 {
		s := &snapshot.Snapshot{At: event.Time(i), Pairs: make([]snapshot.Pair, 20_000)}
		m.add(s, []doctor.Finding{{ID: string(rune('a' + i)), Evidence: []doctor.Evidence{{At: s.Wall}}}})
	}
	bytes, newest := 0, event.Time(0)
	for _, s := range m {
		bytes += s.Bytes()
		newest = max(newest, s.At)
	}
	if bytes > momentBytes || len(m) < 2 || newest != 49 {
		t.Errorf("%d snapshots of %d bytes, the newest of %d", len(m), bytes, newest)
	}
}
