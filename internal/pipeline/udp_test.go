package pipeline

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
)

// A count of UDP sockets has no process: the filter selects it by its namespace, and by the processes
// that hold its ports. A recording keeps that, so that it shows them when it is read without a filter.
func TestFilterUDP(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request filter.Request
		kernel  event.Flags // what --pid of the recording left out
		full    bool
	}{
		"no filter":         {filter.Request{}, 0, true},
		"its namespace":     {filter.Request{Netns: []string{"7"}}, 0, true},
		"another namespace": {filter.Request{Netns: []string{"8"}}, 0, false},
		"its holder":        {filter.Request{Comm: []string{"shop-api"}}, 0, true},
		"another program":   {filter.Request{Comm: []string{"curl"}}, 0, false},
		"both":              {filter.Request{Netns: []string{"7"}, Comm: []string{"shop-api"}}, 0, true},
		"one of both":       {filter.Request{Netns: []string{"8"}, Comm: []string{"shop-api"}}, 0, false},
		"destinations":      {filter.Request{Dest: []string{"10.0.0.1"}}, 0, false},
		"another pid":       {filter.Request{Netns: []string{"7"}}, event.NotSelected, false},
	} {
		f, err := filter.Parse(tc.request)
		if err != nil {
			t.Fatal(err)
		}
		ports := event.PortRange{Low: 40000, High: 40009}
		source := &script{batches: [][]event.Event{{
			known(1, shop, "shop-api"),
			{Time: 1, Kind: event.NetnsKnown, Netns: 7, Fact: &event.Netns{Inode: 7, Ports: ports}},
			{Time: 2, Kind: event.UDPCounted, Proto: event.UDP, Netns: 7, Count: 1, Flags: tc.kernel, Fact: &event.UDPUse{
				Netns: 7, InUse: 10, Own: 10, Ports: ports, Holders: []event.UDPHolder{{Proc: shop, Ports: 10}},
			}},
		}}}
		var recorded []event.Event
		tee := func(e *event.Event, _ *event.World) error { recorded = append(recorded, *e); return nil }
		first, err := Aggregate(t.Context(), source, Options{Filter: f, Tee: tee})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Aggregate(t.Context(), &script{batches: [][]event.Event{recorded}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(first.PortSpaces) == 1 != tc.full || len(again.PortSpaces) != len(first.PortSpaces) {
			t.Errorf("%s: %d rows, from its recording %d", name, len(first.PortSpaces), len(again.PortSpaces))
		}
	}
}
