package snapshot

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func TestEnds(t *testing.T) {
	t.Parallel()
	remote := func(port uint16) event.Endpoint {
		return event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr("10.0.0.2")), Port: port}
	}
	local := event.AddrFrom(netip.MustParseAddr("10.0.0.1"))
	s := &Snapshot{
		PortSpaces: []PortSpace{
			{Kind: ConnectSpace, Netns: 1, Proto: event.TCP, Local: local, Remote: remote(80)},
			{Kind: BindSpace, Netns: 1, Proto: event.TCP, Local: local},
		},
		Destinations: []Destination{
			{Netns: 1, Proto: event.TCP, Remote: remote(80), NetnsGone: true},
			{Netns: 1, Proto: event.TCP, Remote: remote(80)},
			{Netns: 1, Proto: event.TCP, Remote: remote(81)},
			{Netns: 2, Proto: event.TCP, Remote: remote(80)},
		},
		Pairs: []Pair{
			{Netns: 1, Proto: event.TCP, Remote: remote(80)},
			{Netns: 1, Proto: event.TCP, Remote: remote(80), NetnsGone: true},
			{Netns: 1, Proto: event.TCP, Remote: remote(81)},
		},
		Failures: []Failure{
			{Netns: 1, Proto: event.TCP, Op: event.OpConnect, Reason: event.RangeExhausted, Target: remote(80), Local: event.Endpoint{Addr: local}},
			{Netns: 1, Proto: event.TCP, Op: event.OpConnect, Reason: event.TimedOut, Target: remote(80), Local: event.Endpoint{Addr: local}},
			{Netns: 1, Proto: event.TCP, Op: event.OpBind, Reason: event.RangeExhausted, Target: event.Endpoint{Addr: local, Port: 0}},
		},
	}
	ends := NewEnds(s)
	connect, bind := &s.PortSpaces[0], &s.PortSpaces[1]
	if end := ends.Of(connect); end.Destination != &s.Destinations[1] || len(end.Pairs) != 1 || end.Pairs[0] != &s.Pairs[0] {
		t.Errorf("%+v", end)
	}
	other := PortSpace{Netns: 1, Proto: event.TCP, Remote: remote(81)}
	if end := ends.Of(&other); end.Destination != &s.Destinations[2] || len(end.Pairs) != 1 || end.Pairs[0] != &s.Pairs[2] {
		t.Errorf("of a space that is not listed: %+v", end)
	}
	for at, of := range map[*Destination]Peer{
		&s.Destinations[1]: connect.Peer(),
		&s.Destinations[3]: {2, event.TCP, remote(80)},
		nil:                {2, event.TCP, remote(81)},
	} {
		if got := ends.Destination(of); got != at {
			t.Errorf("%+v: %+v", of, got)
		}
	}
	for space, want := range map[*PortSpace]*Failure{connect: &s.Failures[0], bind: &s.Failures[2]} {
		if got := ends.Denied(space); len(got) != 1 || got[0] != want {
			t.Errorf("%+v: %+v", space.ID(), got)
		}
	}
}
