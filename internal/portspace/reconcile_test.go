package portspace

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func found(src, dst string, state event.State, change ...func(*event.Event)) event.Event {
	return socketEvent(event.SocketFound, src, dst, append([]func(*event.Event){inState(state), by(event.ProcID{})}, change...)...)
}

// foundSockets returns the sockets that these events are about, as a scan has them.
func foundSockets(events ...event.Event) event.FoundList {
	var list event.FoundList
	for i := range events {
		addFound(&list, &events[i])
	}
	return list
}

func addFound(list *event.FoundList, e *event.Event) {
	list.Add(&event.FoundSocket{
		Cookie: e.Cookie, Expiry: e.Last, Proc: e.Proc, Src: e.Src, Dst: e.Dst, Device: e.Device, SocketRange: e.SocketRange,
		Flags: e.Flags, State: e.State, Direction: e.Direction,
	})
}

func settled(Port) bool { return false }

// A table and a scan that agree have no differences, and adding the differences makes them
// agree.
func TestReconcile(t *testing.T) {
	t.Parallel()
	const a, b, dst = "10.0.0.1:40000", "10.0.0.1:40001", "10.0.0.2:80"
	open := socketEvent(event.Open, a, dst, cookie(1))
	bucket := socketEvent(event.Close, b, dst, flags(event.TimeWait), cookie(2))
	bound := socketEvent(event.Bind, "0.0.0.0:40007", "")
	known := []event.Event{open, bucket, bound}
	census := []event.Event{
		found(a, dst, event.StateEstablished, cookie(1)),
		found(b, dst, event.StateTimeWait, cookie(2), ending(60*time.Second)),
		found("0.0.0.0:40007", "", event.StateBound, flags(event.OwnedByBind)),
	}
	without := func(i int) []event.Event {
		return append(append([]event.Event{}, census[:i]...), census[i+1:]...)
	}
	with := func(i int, e event.Event) []event.Event { return append(without(i), e) }
	for name, c := range map[string]struct {
		census []event.Event
		kinds  []event.Kind
	}{
		"the same":                {census, nil},
		"a socket is gone":        {without(0), []event.Kind{event.SocketGone}},
		"a bucket is gone":        {without(1), []event.Kind{event.SocketGone}},
		"a bound port is free":    {without(2), []event.Kind{event.SocketGone}},
		"all is gone":             {nil, []event.Kind{event.SocketGone, event.SocketGone, event.SocketGone}},
		"a bucket instead":        {with(0, found(a, dst, event.StateTimeWait, cookie(1), ending(60*time.Second))), []event.Kind{event.SocketFound}},
		"half closed":             {with(0, found(a, dst, event.StateFinWait2, cookie(1))), nil},
		"the peer has closed":     {with(0, found(a, dst, event.StateCloseWait, cookie(1))), []event.Kind{event.SocketFound}},
		"another socket":          {with(0, found(a, dst, event.StateEstablished, cookie(9))), []event.Kind{event.SocketFound}},
		"no cookie":               {with(0, found(a, dst, event.StateEstablished)), nil},
		"its port is exclusive":   {with(0, found(a, dst, event.StateEstablished, cookie(1), flags(event.OwnedByBind))), []event.Kind{event.SocketFound}},
		"SYN not answered yet":    {with(0, found(a, dst, event.StateSynSent, cookie(1))), nil},
		"the timer was set again": {with(1, found(b, dst, event.StateTimeWait, cookie(2), ending(100*time.Second))), []event.Kind{event.SocketFound}},
		"its FIN has not come":    {with(1, found(b, dst, event.StateTimeWait, cookie(2), ending(60*time.Second), flags(event.FinWait2))), []event.Kind{event.SocketFound}},
		"a new one":               {append(without(0), census[0], found("10.0.0.1:40003", dst, event.StateEstablished)), []event.Kind{event.SocketFound}},
		"a listener":              {append(without(0), census[0], found("[::]:40009", "", event.StateListen, flags(event.OwnedByBind))), []event.Kind{event.SocketFound}},
		"outside the range":       {append(without(0), census[0], found("10.0.0.1:80", "10.0.0.9:40000", event.StateEstablished, going(event.In))), nil},
		"a bucket that ends now":  {append(without(0), census[0], found("10.0.0.1:40003", dst, event.StateTimeWait, ending(0))), nil},
	} {
		t.Run(name, func(t *testing.T) {
			table := tableOf(known...)
			scan := event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}, Sockets: foundSockets(c.census...)}
			seen := Found{NetnsScan: &scan, At: start, Unsettled: settled}
			made := slices.Collect(table.Reconcile(seen))
			if len(made) != len(c.kinds) {
				t.Fatalf("got %+v", made)
			}
			for i := range made {
				if made[i].Kind != c.kinds[i] {
					t.Errorf("%d: %+v", i, made[i])
				}
				table.Add(&made[i])
			}
			if again := slices.Collect(table.Reconcile(seen)); len(again) > 0 {
				t.Errorf("and again %+v", again)
			}
			seen.Unsettled = func(Port) bool { return true }
			if made := slices.Collect(tableOf(known...).Reconcile(seen)); len(made) > 0 {
				t.Errorf("unsettled, and yet %+v", made)
			}
		})
	}
}

// A scan that was confined to some ports says nothing of sockets at others.
func TestReconcileConfined(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := tableOf(
		socketEvent(event.Open, "10.0.0.1:40000", dst), socketEvent(event.Open, "10.0.0.1:50000", dst),
		socketEvent(event.Listen, "10.0.0.1:50001", ""), socketEvent(event.Bind, "10.0.0.1:50002", ""),
	)
	scan := event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}, Ports: hundred}
	made := slices.Collect(table.Reconcile(Found{NetnsScan: &scan, At: start, Unsettled: settled}))
	var gone []uint16
	for _, e := range made {
		gone = append(gone, e.Src.Port)
	}
	slices.Sort(gone)
	if !slices.Equal(gone, []uint16{40000, 50002}) {
		t.Errorf("gone are %d", gone)
	}
}

// A truncated scan says nothing of what it has not found, and a table at its limit takes no
// more sockets.
func TestReconcileBounded(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := New(2)
	table.Add(&event.Event{Kind: event.NetnsKnown, Fact: config(event.PortRange{Low: 32768, High: 60999}, "").Fact})
	known := socketEvent(event.Open, "10.0.0.1:40000", dst)
	table.Add(&known)
	scan := event.NetnsScan{Census: event.Census{Netns: net1}, Truncated: true, Sockets: foundSockets(
		found("10.0.0.1:40001", dst, event.StateEstablished), found("10.0.0.1:40002", dst, event.StateEstablished),
	)}
	made := slices.Collect(table.Reconcile(Found{NetnsScan: &scan, At: start, Unsettled: settled}))
	if len(made) != 1 || made[0].Kind != event.SocketFound || made[0].Src.Port != 40001 {
		t.Errorf("%+v", made)
	}
}

// The owner that the stream has named is better than what a scan sees.
func TestReconcileOwner(t *testing.T) {
	t.Parallel()
	const a, dst = "10.0.0.1:40000", "10.0.0.2:80"
	table := tableOf(socketEvent(event.Open, a, dst, cookie(1)))
	scan := event.NetnsScan{Census: event.Census{Netns: net1}, Sockets: foundSockets(
		found(a, dst, event.StateCloseWait, cookie(1), by(cache), flags(event.BeforeStart), going(event.Unknown)),
	)}
	made := slices.Collect(table.Reconcile(Found{NetnsScan: &scan, At: start, Unsettled: settled}))
	if len(made) != 1 || made[0].Proc != shop || made[0].Direction != event.Out || made[0].Flags.Has(event.BeforeStart) {
		t.Errorf("%+v", made)
	}
}

// A reader that begins later gets the same table from its sockets.
func TestResync(t *testing.T) {
	t.Parallel()
	events := []event.Event{
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.2:80", cookie(1)),
		socketEvent(event.Close, "10.0.0.1:40001", "10.0.0.2:80", flags(event.TimeWait)),
		socketEvent(event.Bind, "0.0.0.0:40002", ""),
		socketEvent(event.Open, "10.0.0.1:40003", "10.0.0.2:80", flags(event.EarlyBind)),
		socketEvent(event.Open, "10.0.0.1:40004", "10.0.0.2:80", own(40004, 40005)),
	}
	table := tableOf(events...)
	list := slices.Collect(table.Resync(net1, start))
	other := tableOf(list...)
	for _, remote := range []string{"10.0.0.2:80", "10.0.0.3:80"} {
		if a, b := spaceTo(table, "10.0.0.1", remote).Occupancy(start), spaceTo(other, "10.0.0.1", remote).Occupancy(start); a != b {
			t.Errorf("towards %s: %+v, and resynced %+v", remote, a, b)
		}
	}
	for _, e := range list {
		table.Add(&e)
	}
	if again := slices.Collect(table.Resync(net1, start)); len(again) != len(list) {
		t.Errorf("resynced twice: %d sockets of %d", len(again), len(list))
	}
}

// A whole census after a gap replaces the table; without a gap it says nothing new.
func TestGap(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	whole := event.Event{Time: start, Kind: event.CensusTaken, Fact: &event.Census{Netns: net1, Whole: true}}
	table := tableOf(socketEvent(event.Open, "10.0.0.1:40000", dst))
	table.Add(&whole)
	if got := spaceTo(table, "10.0.0.1", dst).Occupancy(start).Live; got != 1 {
		t.Errorf("%d live", got)
	}
	table.Add(&event.Event{Time: start, Kind: event.Missing, Fact: &event.Gap{Begin: start}})
	table.Add(&whole)
	if got := spaceTo(table, "10.0.0.1", dst).Occupancy(start).Live; got != 0 {
		t.Errorf("%d live after a gap", got)
	}
}

// A listener is the same port in the stream, which has the wildcard of IPv4 as its remote
// end, and in a scan, which has none.
func TestPortOfListener(t *testing.T) {
	t.Parallel()
	listen := socketEvent(event.Listen, "0.0.0.0:40009", "0.0.0.0:0")
	scanned := found("0.0.0.0:40009", "", event.StateListen)
	if a, b := PortOf(&listen), PortOf(&scanned); a != b {
		t.Errorf("%+v in the stream, %+v in a scan", a, b)
	}
}
