package compare_test

import (
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/compare"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// part returns what a share of the time of a recording shows.
func part(t *testing.T, name string, from, to float64) *snapshot.Snapshot {
	t.Helper()
	reader, err := recorded.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := reader.Span()
	at := func(share float64) event.Time { return begin + event.Time(share*float64(end-begin)) }
	s, err := pipeline.Aggregate(t.Context(), reader, pipeline.Options{From: at(from), To: at(to)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The first difference of an incident from the time before it is the incident.
func TestIncidents(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		kind    compare.Kind
		program string
	}{
		{"proxy", compare.Failures, "nginx"},
		{"prices", compare.Opens, "curl"},
		{"sync", compare.Failures, "sync.py"},
	} {
		changes := compare.Changes(part(t, tc.name, 0, 0.15), part(t, tc.name, 0.5, 1))
		if len(changes) == 0 || changes[0].Kind != tc.kind && changes[0].Kind != compare.Failures || changes[0].Program.Name != tc.program {
			t.Errorf("%s: %+v", tc.name, changes)
		}
	}
}

// A load that goes on as before has no difference, and nothing differs from itself.
func TestNoDifference(t *testing.T) {
	t.Parallel()
	steady := part(t, "crawler", 0.5, 1)
	if changes := compare.Changes(part(t, "crawler", 0, 0.5), steady); slices.ContainsFunc(changes, func(c compare.Change) bool {
		return c.Kind == compare.Opens || c.Kind == compare.Failures || c.Kind == compare.Setting
	}) {
		t.Errorf("%+v", changes)
	}
	for _, incident := range recorded.Incidents() {
		s := part(t, incident.Name, 0, 1)
		if changes := compare.Changes(s, s); len(changes) > 0 {
			t.Errorf("%s and itself: %+v", incident.Name, changes)
		}
	}
}

// A setting that was changed is named with both values, before all that follows from it.
func TestSettings(t *testing.T) {
	t.Parallel()
	before, after := part(t, "proxy", 0, 0.15), part(t, "proxy", 0.5, 1)
	after.Namespaces = slices.Clone(after.Namespaces)
	for i := range after.Namespaces {
		if after.Namespaces[i].Ports.Known() {
			after.Namespaces[i].Ports.High--
			after.Namespaces[i].Reuse = before.Namespaces[i].Reuse + 1
		}
	}
	changes := compare.Changes(before, after)
	names := map[string]bool{}
	for _, c := range changes {
		if c.Kind != compare.Setting {
			break
		}
		names[c.Name] = c.From != c.To
	}
	if !names["net.ipv4.ip_local_port_range"] || !names["net.ipv4.tcp_tw_reuse"] || len(names) != 2 {
		t.Errorf("%v of %+v", names, changes)
	}
}

// Chance makes no difference: five connections in ten seconds, and nine.
func TestChance(t *testing.T) {
	t.Parallel()
	load := func(opens uint64) *snapshot.Snapshot {
		p := snapshot.Process{Info: event.Process{ID: event.ProcID{PID: 1, Start: 1}, Comm: "api", Exe: "/usr/bin/api"}}
		p.Opens = opens
		pair := snapshot.Pair{Proc: p.Info.ID, Comm: "api", Exe: "/usr/bin/api", Proto: event.TCP, Remote: event.Endpoint{Port: 5432}, Totals: p.Totals}
		p.Destinations = []snapshot.Pair{pair}
		return &snapshot.Snapshot{Elapsed: 10e9, Processes: []snapshot.Process{p}, Pairs: []snapshot.Pair{pair}}
	}
	if changes := compare.Changes(load(5), load(9)); len(changes) > 0 {
		t.Errorf("%+v", changes)
	}
	changes := compare.Changes(load(100), load(1400))
	if len(changes) != 1 || changes[0].Kind != compare.Opens || changes[0].Factor() != 14 || changes[0].Program.Name != "api" {
		t.Errorf("%+v", changes)
	}
}
