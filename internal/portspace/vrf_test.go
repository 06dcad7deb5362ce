package portspace

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// The devices of the tests: two VRFs, each with a device in it, and one that is in none.
const (
	red, blue   = 3, 4
	redPort     = 5
	bluePort    = 6
	elsewhere   = 7
	bothVRFs    = event.DeviceVRFs("3:3,4:4,5:3,6:4")
	noVRF       = event.DeviceVRFs("")
	vrfLocal    = "10.0.0.1"
	vrfRemote   = "10.0.0.2:80"
	vrfWildcard = "0.0.0.0"
)

func on(device uint32) func(*event.Event) { return func(e *event.Event) { e.Device = device } }

func withVRFs(v event.DeviceVRFs) event.Event {
	return config(hundred, "", func(n *event.Netns) { n.VRFs = v })
}

func inVRF(t *Table, device uint32) View {
	id := ID{Netns: net1, Device: device, Local: event.AddrFrom(netip.MustParseAddr(vrfLocal)), Remote: endpoint(vrfRemote)}
	return t.Find(id).All()
}

// What a bind() owns in a VRF is taken there, by whatever device, and nowhere else.
func TestBindTables(t *testing.T) {
	t.Parallel()
	const port = vrfLocal + ":40001"
	early := []func(*event.Event){flags(event.EarlyBind), on(red)}
	for name, c := range map[string]struct {
		events []event.Event
		want   map[uint32]event.Occupancy // by the device of the space
	}{
		"bound in red":           {[]event.Event{socketEvent(event.Bind, port, "", on(red))}, map[uint32]event.Occupancy{red: {Bound: 1}, redPort: {Bound: 1}}},
		"bound by a port of red": {[]event.Event{socketEvent(event.Bind, port, "", on(redPort))}, map[uint32]event.Occupancy{red: {Bound: 1}, redPort: {Bound: 1}}},
		"bound outside":          {[]event.Event{socketEvent(event.Bind, port, "")}, map[uint32]event.Occupancy{0: {Bound: 1}, elsewhere: {Bound: 1}}},
		"by a device in no VRF":  {[]event.Event{socketEvent(event.Bind, port, "", on(elsewhere))}, map[uint32]event.Occupancy{0: {Bound: 1}, elsewhere: {Bound: 1}}},
		"in both":                {[]event.Event{socketEvent(event.Listen, port, "", on(red)), socketEvent(event.Bind, port, "", on(blue))}, map[uint32]event.Occupancy{red: {Bound: 1}, redPort: {Bound: 1}, blue: {Bound: 1}, bluePort: {Bound: 1}}},
		"one of both closed": {
			[]event.Event{socketEvent(event.Listen, port, "", on(red)), socketEvent(event.Listen, port, "", on(blue)), socketEvent(event.ListenEnd, port, "", on(red))},
			map[uint32]event.Occupancy{blue: {Bound: 1}, bluePort: {Bound: 1}},
		},
		"early bound": {
			[]event.Event{socketEvent(event.Bind, port, "", on(red)), socketEvent(event.Open, port, "10.0.0.9:1", early...)},
			map[uint32]event.Occupancy{red: {Bound: 1}, redPort: {Bound: 1}},
		},
		"the bucket of an early bound one": {
			[]event.Event{socketEvent(event.Open, port, vrfRemote, early...), socketEvent(event.Close, port, vrfRemote, on(red), flags(event.TimeWait))},
			map[uint32]event.Occupancy{red: {TimeWait: 1}, redPort: {TimeWait: 1}},
		},
		"gone": {
			[]event.Event{socketEvent(event.Bind, port, "", on(red)), socketEvent(event.Bind, port, "", on(blue)), socketEvent(event.SocketGone, "[::]:40001", "", on(blue))},
			map[uint32]event.Occupancy{red: {Bound: 1}, redPort: {Bound: 1}},
		},
	} {
		for _, order := range []string{"known before", "known later"} {
			events := append([]event.Event{withVRFs(bothVRFs)}, c.events...)
			if order == "known later" {
				if len(c.events) > 1 && c.events[len(c.events)-1].Kind != event.Open && c.events[len(c.events)-1].Kind != event.Close {
					continue // two sockets at one port, of which the table would have one
				}
				events = append(slices.Clone(c.events), withVRFs(bothVRFs))
			}
			table := tableOf(events...)
			for _, device := range []uint32{0, red, redPort, blue, bluePort, elsewhere} {
				want := c.want[device]
				want.Capacity = 100
				if got := inVRF(table, device).Occupancy(start); got != want {
					t.Errorf("%s, %s: in the space of device %d: got %+v, want %+v", name, order, device, got, want)
				}
			}
		}
	}
}

// A failed bind() names the socket of its own VRF. In one VRF a device is not in the way of another.
func TestHolderOfVRF(t *testing.T) {
	t.Parallel()
	const port, web = "10.0.0.1:40000", "10.0.0.2:80"
	listening := held(shop, event.StateListen, port, "", 0)
	for name, c := range map[string]struct {
		event  event.Event
		caller uint32
		want   *event.Holder
	}{
		"a listener of the VRF":        {socketEvent(event.Listen, port, "", on(red)), red, listening},
		"of another VRF":               {socketEvent(event.Listen, port, "", on(red)), blue, nil},
		"of none":                      {socketEvent(event.Listen, port, ""), blue, nil},
		"outside of VRFs":              {socketEvent(event.Listen, port, "", on(red)), 0, nil},
		"another device of the VRF":    {socketEvent(event.Listen, port, "", on(red)), redPort, nil},
		"another device, of no VRF":    {socketEvent(event.Listen, port, ""), elsewhere, listening},
		"a connection of the VRF":      {socketEvent(event.Open, port, web, on(red)), red, held(shop, event.StateEstablished, port, web, 0)},
		"a connection of another VRF":  {socketEvent(event.Open, port, web, on(red)), blue, nil},
		"a connection outside of VRFs": {socketEvent(event.Open, port, web), red, nil},
	} {
		table := tableOf(withVRFs(bothVRFs), c.event)
		call := wants(event.BindFail, port, "", on(c.caller))
		got := table.Holder(&call)
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	const admin = "10.0.0.1:8080" // outside the range: the bucket of an accepted connection
	bucket := socketEvent(event.Close, admin, "10.0.0.9:50000", going(event.In), flags(event.TimeWait), on(red))
	for _, order := range [][]event.Event{{withVRFs(bothVRFs), bucket}, {bucket, withVRFs(bothVRFs)}} {
		table := tableOf(order...)
		for caller, want := range map[uint32]bool{red: true, blue: false, 0: false} {
			call := wants(event.BindFail, admin, "", on(caller))
			if got := table.Holder(&call); (got != nil) != want {
				t.Errorf("a bucket of red, and a bind() by device %d: got %+v", caller, got)
			}
		}
	}
}

// vrfEvents are sockets at few ports, in all states and of all devices. Those of one port have one
// device, so that it does not matter when the VRFs become known.
func vrfEvents(random *rand.Rand) (events []event.Event) {
	devices := []uint32{0, red, redPort, blue, bluePort, elsewhere}
	local := func(port int) string { return netip.AddrPortFrom(netip.MustParseAddr(vrfLocal), uint16(port)).String() }
	for i := range 60 {
		port := 40000 + i
		device := on(devices[random.IntN(len(devices))])
		src, to := local(port), []string{vrfRemote, "10.0.0.3:443"}[random.IntN(2)]
		number := cookie(uint64(i + 1))
		switch random.IntN(6) {
		case 0:
			events = append(events, socketEvent(event.Bind, src, "", device, number))
		case 1:
			events = append(events, socketEvent(event.Listen, src, "", device, number, by(cache)))
		case 2:
			events = append(events, socketEvent(event.Open, src, to, device, number))
		case 3:
			events = append(events, socketEvent(event.Open, src, to, device, number, flags(event.EarlyBind)))
		case 4:
			events = append(events, socketEvent(event.Open, src, to, device, number), socketEvent(event.Close, src, to, device, number, flags(event.TimeWait)))
		case 5:
			events = append(events, socketEvent(event.Open, src, to, device, number, flags(event.EarlyBind)),
				socketEvent(event.Close, src, to, device, number, flags(event.TimeWait)))
		}
	}
	return events
}

type vrfState struct {
	spaces map[uint32]event.Occupancy
	binds  map[BindID]event.Occupancy
	bound  int
	known  int
}

func vrfStateOf(t *Table) vrfState {
	s := vrfState{spaces: map[uint32]event.Occupancy{}, binds: map[BindID]event.Occupancy{}, bound: t.Netns(net1).Bound(), known: t.Known(net1)}
	for _, device := range []uint32{0, red, redPort, blue, bluePort, elsewhere} {
		s.spaces[device] = inVRF(t, device).Occupancy(start)
		for _, local := range []string{vrfLocal, vrfWildcard, "10.0.0.77"} {
			id := BindID{Netns: net1, Device: device, Local: event.AddrFrom(netip.MustParseAddr(local))}
			s.binds[id] = t.BindOccupancy(id)
		}
	}
	return s
}

func (s vrfState) equal(other vrfState) bool {
	return maps.Equal(s.spaces, other.spaces) && maps.Equal(s.binds, other.binds) && s.bound == other.bound && s.known == other.known
}

// It does not matter when it becomes known which device is in which VRF, nor what was believed
// before; and a stream that begins with the table's head has the same.
func TestVRFsKnownLater(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		events := vrfEvents(rand.New(rand.NewPCG(seed, 1)))
		for _, vrfs := range []event.DeviceVRFs{bothVRFs, noVRF, "3:3,5:3"} {
			first, later := tableOf(append([]event.Event{withVRFs(vrfs)}, events...)...), tableOf(withVRFs("4:4,5:4,7:4"))
			for i := range events {
				later.Add(&events[i])
			}
			fact := withVRFs(vrfs)
			later.Add(&fact)
			want := vrfStateOf(first)
			if got := vrfStateOf(later); !got.equal(want) {
				t.Fatalf("seed %d, VRFs %q, known later: got\n%+v, want\n%+v", seed, vrfs, got, want)
			}
			copied := tableOf(fact)
			for e := range first.Head(net1, start) {
				copied.Add(&e)
			}
			if got := vrfStateOf(copied); !got.equal(want) {
				t.Fatalf("seed %d, VRFs %q, from the head: got\n%+v, want\n%+v", seed, vrfs, got, want)
			}
		}
	}
}

// All ports of a VRF are free again when its sockets have ended.
func TestVRFsEmpty(t *testing.T) {
	t.Parallel()
	table := tableOf(withVRFs(bothVRFs))
	events := vrfEvents(rand.New(rand.NewPCG(7, 7)))
	for i := range events {
		table.Add(&events[i])
	}
	if s := vrfStateOf(table); s.bound == 0 {
		t.Fatal("nothing is bound")
	}
	scan := &event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}}
	for e := range table.Reconcile(Found{NetnsScan: scan, At: start, Unsettled: func(Port) bool { return false }}) {
		table.Add(&e)
	}
	for _, device := range []uint32{0, red, redPort, blue, bluePort, elsewhere} {
		if o := inVRF(table, device).Occupancy(start); o.InUse() != 0 {
			t.Errorf("device %d: %+v", device, o)
		}
	}
	if n := table.Netns(net1); n.Bound() != 0 || n.BoundOnly() != 0 || table.Known(net1) != 0 {
		t.Errorf("%d bound, %d known", n.Bound(), table.Known(net1))
	}
}

// A scan finds in each VRF what is bound there, and what the events have missed.
func TestReconcileVRFs(t *testing.T) {
	t.Parallel()
	const port = "10.0.0.1:40001"
	table := tableOf(withVRFs(bothVRFs), socketEvent(event.Bind, port, "", on(red)), socketEvent(event.Bind, port, ""))
	bound := func(device uint32) event.FoundSocket {
		return event.FoundSocket{State: event.StateBound, Flags: event.OwnedByBind, Device: device, Proc: shop, Src: endpoint(port)}
	}
	reconcile := func(sockets ...event.FoundSocket) (kinds map[uint32]event.Kind) {
		scan := &event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}, Sockets: event.FoundOf(sockets...)}
		kinds = map[uint32]event.Kind{}
		for e := range table.Reconcile(Found{NetnsScan: scan, At: start, Unsettled: func(Port) bool { return false }}) {
			kinds[e.Device] = e.Kind
			table.Add(&e)
		}
		return kinds
	}
	if got := reconcile(bound(red), bound(0)); len(got) != 0 {
		t.Errorf("all is known: got %v", got)
	}
	if got, want := reconcile(bound(0), bound(bluePort)), (map[uint32]event.Kind{red: event.SocketGone, bluePort: event.SocketFound}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for device, want := range map[uint32]int{0: 1, red: 0, blue: 1, bluePort: 1} {
		if o := inVRF(table, device).Occupancy(start); o.Bound != want {
			t.Errorf("device %d: %+v", device, o)
		}
	}
}

// A port that a bind() takes in one VRF fills a space there, and none of another.
func TestThresholdsOfVRFs(t *testing.T) {
	t.Parallel()
	table := tableOf(withVRFs(bothVRFs))
	thresholds := NewThresholds(table)
	full := map[uint32]bool{}
	add := func(e event.Event) {
		for _, change := range thresholds.Advance(e.Time) {
			if use := change.Fact.(*event.SpaceUse); use.State == event.SpaceFull {
				full[change.Device] = true
			}
		}
		table.Add(&e)
		for _, change := range thresholds.Add(&e) {
			if use := change.Fact.(*event.SpaceUse); use.State == event.SpaceFull {
				full[change.Device] = true
			}
		}
	}
	for _, device := range []uint32{0, red, blue} {
		add(socketEvent(event.Open, "10.0.0.1:40000", vrfRemote, on(device)))
	}
	for port := range uint16(99) {
		src := netip.AddrPortFrom(netip.MustParseAddr(vrfLocal), 40001+port).String()
		add(socketEvent(event.Bind, src, "", on(redPort), at(time.Second)))
	}
	add(socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.3:1", at(3*time.Second)))
	if !maps.Equal(full, map[uint32]bool{red: true}) {
		t.Errorf("full are the spaces of devices %v", full)
	}
}

// A bind() to port 0 cannot have the ports of its own VRF, but for those of other devices in it.
func TestBindSpacesOfVRFs(t *testing.T) {
	t.Parallel()
	var events []event.Event
	for i, device := range []uint32{0, red, redPort, blue, elsewhere} {
		local := func(port int) string {
			return netip.AddrPortFrom(netip.MustParseAddr(vrfLocal), uint16(port+i)).String()
		}
		events = append(events, socketEvent(event.Open, local(40000), vrfRemote, on(device)), socketEvent(event.Bind, local(40050), "", on(device)))
	}
	table := tableOf(append(events, withVRFs(bothVRFs))...)
	for device, want := range map[uint32]int{0: 2, red: 1, redPort: 1, blue: 1, bluePort: 0, elsewhere: 2} {
		id := BindID{Netns: net1, Device: device, Local: event.AddrFrom(netip.MustParseAddr(vrfLocal))}
		if got := table.BindOccupancy(id); got != (event.Occupancy{Capacity: 100, Live: want, Bound: want}) {
			t.Errorf("device %d: got %+v, want %d of each", device, got, want)
		}
		if got := len(maps.Collect(table.BindHolders(id))); got != 2*want {
			t.Errorf("device %d: %d ports have a holder, want %d", device, got, 2*want)
		}
	}
}

// Those that share a port stay together, whenever the VRFs become known.
func TestListenersOfVRF(t *testing.T) {
	t.Parallel()
	const port = "10.0.0.1:40001"
	first := socketEvent(event.Listen, port, "", on(red), cookie(1))
	second := socketEvent(event.Listen, port, "", on(red), cookie(2), by(cache))
	for _, order := range [][]event.Event{{withVRFs(bothVRFs), first, second}, {first, withVRFs(bothVRFs), second}, {first, second, withVRFs(bothVRFs)}} {
		table := tableOf(order...)
		for device, want := range map[uint32]int{red: 2, blue: 0, 0: 0} {
			found := 0
			table.Netns(net1).Binds(device).eachListener(func(uint16, bool, BoundSocket) { found++ })
			if found != want {
				t.Errorf("device %d: %d listeners, want %d", device, found, want)
			}
		}
		end := socketEvent(event.ListenEnd, port, "", on(red), cookie(2))
		if table.Add(&end); table.Netns(net1).Binds(red).Owner(40001).Proc != shop {
			t.Errorf("one has ended: the port is of %+v", table.Netns(net1).Binds(red).Owner(40001))
		}
	}
}
