package portspace

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestHead: a stream that begins in the middle of a run knows that all its sockets are older, also
// when the run finds them again, of which it saw the beginning itself.
func TestHead(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	run := tableOf(
		config(hundred, ""),
		event.Event{Time: start, Kind: event.CensusTaken, Fact: &event.Census{Netns: net1, Bound: true, Sockets: 9}},
		socketEvent(event.Open, "10.0.0.1:40000", dst, cookie(1)),
		socketEvent(event.Close, "10.0.0.1:40001", dst, flags(event.TimeWait), cookie(2)),
		socketEvent(event.Bind, "0.0.0.0:40007", "", cookie(3), flags(event.NotSelected)),
		socketEvent(event.Listen, "10.0.0.1:40009", "", cookie(4)),
		socketEvent(event.Listen, "10.0.0.9:40009", "", cookie(5)),
	)
	head := slices.Collect(run.Head(net1, start.Add(time.Second)))
	if fact, ok := head[0].Fact.(*event.Census); !ok || !fact.Whole || !fact.Bound {
		t.Fatalf("the head begins with %+v", head[0])
	}
	late := tableOf(append([]event.Event{config(hundred, "")}, head...)...)
	again := slices.Collect(run.Resync(net1, start.Add(time.Minute/2)))
	for i := range again {
		if again[i].Flags.Has(event.BeforeStart) {
			t.Errorf("the run saw the beginning of %+v", again[i])
		}
		late.Add(&again[i])
	}
	sockets := slices.Collect(late.Resync(net1, start.Add(time.Minute/2)))
	if len(sockets) != 5 {
		t.Errorf("%d sockets: %+v", len(sockets), sockets)
	}
	for _, e := range sockets {
		if !e.Flags.Has(event.BeforeStart) {
			t.Errorf("not from before the start: %+v", e)
		}
		if e.Flags.Has(event.NotSelected) != (e.Src.Port == 40007) {
			t.Errorf("selected or not: %+v", e)
		}
	}
	// Another socket in the place of one is not older.
	another := found("10.0.0.1:40000", dst, event.StateEstablished, cookie(99))
	late.Add(&another)
	if socket := late.socket(PortOf(&another)); socket.Flags.Has(event.BeforeStart) {
		t.Errorf("a new socket is older than the trace: %+v", socket)
	}
}
