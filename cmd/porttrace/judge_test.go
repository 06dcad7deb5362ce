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

// A filter that selects UDP sockets alone has selected something: they are counted, without an event of
// a process or a destination.
func TestOnlyUDPSelected(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{Filtered: true, PortSpaces: []snapshot.PortSpace{{
		Kind: snapshot.BindSpace, Proto: event.UDP, Occupancy: event.Occupancy{Capacity: 300, Bound: 300},
	}}}
	s.Health.Events = 417
	var f filterFlags
	f.request.Netns = []string{"box"}
	if said := f.unmatchedIn(s); said != "" {
		t.Error(said)
	}
	if status, why := judgedNow(s).alarms.of(failOnFull); status != exitCritical {
		t.Errorf("--fail-on full: %d %q", status, why)
	}
	s.PortSpaces = nil
	if said := f.unmatchedIn(s); said != "Filter --netns box matches nothing; 417 other events were left out" {
		t.Errorf("without them: %q", said)
	}
}
