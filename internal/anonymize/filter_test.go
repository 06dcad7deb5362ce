package anonymize_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/pipeline"
)

func parse(t *testing.T, request filter.Request) *filter.Filter {
	t.Helper()
	f, err := filter.Parse(request)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// selected returns which events of a stream a filter selects, by their place.
func selected(t *testing.T, from pipeline.Source, f *filter.Filter) (places []int) {
	t.Helper()
	n := 0
	err := pipeline.Run(t.Context(), from, pipeline.Options{Filter: f, Scans: true, Tee: func(e *event.Event, _ *event.World) error {
		if e.Kind.AboutSocket() || e.Kind == event.SocketFound {
			if n++; !e.Flags.Has(event.NotSelected) {
				places = append(places, n)
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// TestFiltersUseOriginals: a filter selects the same events by the names and addresses that the
// user knows, though the stream does not have them.
func TestFiltersUseOriginals(t *testing.T) {
	t.Parallel()
	file, err := recorded.File("billing")
	if err != nil {
		t.Fatal(err)
	}
	all := len(selected(t, open(t, file), nil))
	for name, request := range map[string]filter.Request{
		"comm":          {Comm: []string{"billing*"}},
		"exe":           {Exe: []string{"/usr/bin/python3*"}, Port: []string{"5432"}},
		"unit":          {Unit: []string{"billing"}},
		"dest":          {Dest: []string{"10.88.0.0/16:5432"}},
		"dest and comm": {Dest: []string{"10.0.0.0/8"}, Comm: []string{"cache"}},
		"nothing":       {Comm: []string{"name-*"}},
	} {
		f := parse(t, request)
		want := selected(t, open(t, file), f)
		stream, hidden := newAnonymizer(t, secret).Source(open(t, file), f)
		if got := selected(t, stream, hidden); !slices.Equal(got, want) {
			t.Errorf("%s: %d events are selected, want %d", name, len(got), len(want))
		}
		if none := name == "nothing"; none != (len(want) == 0) || len(want) == all && name != "unit" {
			t.Errorf("%s: the filter selects %d of %d, so it shows nothing", name, len(want), all)
		}
	}
}

// TestScan: what a scan of a live trace has found is anonymous, and filtered by what it was.
func TestScan(t *testing.T) {
	t.Parallel()
	remote := event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr("93.184.216.34")), Port: 443}
	local := event.AddrFrom(netip.MustParseAddr("10.1.2.3"))
	found := func(pid uint32, port uint16) event.FoundSocket {
		return event.FoundSocket{
			Proc: event.ProcID{PID: pid, Start: 1}, Src: event.Endpoint{Addr: local, Port: port}, Dst: remote,
			State: event.StateEstablished, Direction: event.Out,
		}
	}
	process := func(pid uint32, comm string) event.Event {
		return event.Event{Kind: event.ProcessKnown, Fact: &event.Process{ID: event.ProcID{PID: pid, Start: 1}, Comm: comm}}
	}
	batches := func() *source {
		return &source{[]event.Batch{{
			Now:    10,
			Events: []event.Event{process(7, "billing"), process(8, "cache")},
			Scan: &event.Scan{At: 5, Netns: []event.NetnsScan{{
				Census: event.Census{Netns: 1, Whole: true, Sockets: 2}, Sockets: event.FoundOf(found(7, 40001), found(8, 40002)),
			}}},
		}}}
	}
	for name, request := range map[string]filter.Request{"comm": {Comm: []string{"billing"}}, "dest": {Dest: []string{"93.184.216.0/24"}, Comm: []string{"billing"}}} {
		stream, f := newAnonymizer(t, secret).Source(batches(), parse(t, request))
		var ports []uint16
		err := pipeline.Run(t.Context(), stream, pipeline.Options{Filter: f, Scans: true, Tee: func(e *event.Event, w *event.World) error {
			if e.Kind != event.SocketFound {
				return nil
			}
			if e.Src.Addr == local || e.Dst.Addr == remote.Addr || w.Process(e.Proc).Comm == "billing" {
				t.Errorf("%s: found %v to %v of %q", name, e.Src, e.Dst, w.Process(e.Proc).Comm)
			}
			if !e.Flags.Has(event.NotSelected) {
				ports = append(ports, e.Src.Port)
			}
			return nil
		}})
		if err != nil || !slices.Equal(ports, []uint16{40001}) {
			t.Errorf("%s: of the sockets, %v are selected, want 40001; %v", name, ports, err)
		}
	}
}
