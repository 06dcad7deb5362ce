package portspace

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// Listeners of the range are those at ports that a connect() could take: not reserved, and not
// below it. One is there until it ends, wherever it was found.
func TestEachListener(t *testing.T) {
	t.Parallel()
	table := tableOf(
		config(hundred, "40009"),
		socketEvent(event.Listen, "10.0.0.1:40000", "", cookie(1)),
		socketEvent(event.Listen, "10.0.0.2:40000", "", cookie(2), by(cache)),
		found("10.0.0.1:40001", "", event.StateListen, by(cache)),
		socketEvent(event.Listen, "10.0.0.1:40009", "", cookie(3)),
		socketEvent(event.Listen, "10.0.0.1:8080", "", cookie(4)),
		socketEvent(event.Bind, "10.0.0.1:40002", "", cookie(5)),
		socketEvent(event.Open, "10.0.0.1:40003", "10.0.0.2:80", cookie(6)),
		socketEvent(event.Listen, "10.0.0.1:40004", "", cookie(7)),
		socketEvent(event.ListenEnd, "10.0.0.1:40004", "", cookie(7)),
	)
	got := map[string]event.ProcID{}
	var unusable []uint16
	table.Netns(net1).EachListener(func(port uint16, usable bool, l BoundSocket) {
		if usable {
			got[fmt.Sprint(l.Local, " ", port)] = l.Proc
		} else {
			unusable = append(unusable, port)
		}
	})
	slices.Sort(unusable)
	if !slices.Equal(unusable, []uint16{8080, 40009}) {
		t.Errorf("unusable are %d", unusable)
	}
	want := map[string]event.ProcID{"10.0.0.1 40000": shop, "10.0.0.2 40000": cache, "10.0.0.1 40001": cache}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Of several that listen at one port, each keeps bind() to port 0 of its own address from it.
func TestListenersOfOnePort(t *testing.T) {
	t.Parallel()
	table := tableOf(
		config(hundred, ""),
		socketEvent(event.Listen, "10.0.0.1:40000", "", cookie(1)),
		socketEvent(event.Listen, "10.0.0.2:40000", "", cookie(2), by(cache)),
	)
	for addr, owner := range map[string]event.ProcID{"10.0.0.1:1": shop, "10.0.0.2:1": cache, "10.0.0.3:1": {}} {
		local := socketEvent(event.Bind, addr, "").Src.Addr
		var holders []event.ProcID
		for _, socket := range table.BindHolders(BindID{Netns: net1, Local: local}) {
			holders = append(holders, socket.Proc)
		}
		o := table.BindOccupancy(BindID{Netns: net1, Local: local})
		if owner.Known() && (o.Bound != 1 || !slices.Equal(holders, []event.ProcID{owner})) || !owner.Known() && o.Bound+len(holders) != 0 {
			t.Errorf("%s: %+v, held by %v", addr, o, holders)
		}
	}
}
