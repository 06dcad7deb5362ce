package aggregate

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var cache = event.ProcID{PID: 300, Start: 4}

func ranged(low, high uint16) event.Event {
	return event.Event{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{
		Inode: inode, Name: "host", TimeWait: -1, Ports: event.PortRange{Low: low, High: high},
	}}
}

func from(port uint16) func(*event.Event) { return func(e *event.Event) { e.Src.Port = port } }

func all(changes ...func(*event.Event)) func(*event.Event) {
	return func(e *event.Event) {
		for _, change := range changes {
			change(e)
		}
	}
}

func owner(id event.ProcID) func(*event.Event) { return func(e *event.Event) { e.Proc = id } }

func towards(s string) func(*event.Event) { return func(e *event.Event) { e.Dst = endpoint(s) } }

func known(id event.ProcID, comm string) event.Event {
	return event.Event{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: comm}}
}

func spaceOf(t *testing.T, snap *snapshot.Snapshot, kind snapshot.SpaceKind, remote event.Endpoint) snapshot.PortSpace {
	t.Helper()
	for _, s := range snap.PortSpaces {
		if s.Kind == kind && s.Remote == remote {
			return s
		}
	}
	t.Fatalf("no space towards %s in %+v", remote, snap.PortSpaces)
	return snapshot.PortSpace{}
}

var noPort = func(e *event.Event) {
	e.Src.Port, e.Op, e.Errno, e.Reason = 0, event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
}

// An early binder takes ports from a destination that it never spoke to.
func TestCulpritAndVictim(t *testing.T) {
	t.Parallel()
	events := []event.Event{ranged(40000, 40003), known(cache, "cache"), known(shop, "shop")}
	for port := uint16(40000); port < 40003; port++ {
		events = append(events,
			with(event.Bind, all(from(port), owner(cache), func(e *event.Event) { e.Dst = event.Endpoint{} })),
			with(event.Open, all(from(port), owner(cache), flagged(event.EarlyBind), towards("10.0.0.7:6379"))))
	}
	repeats := func(e *event.Event) { noPort(e); e.Src, e.Count, e.First, e.Last = event.Endpoint{}, 5, e.Time, e.Time }
	events = append(events, with(event.Open, from(40003)), after(time.Second, with(event.ConnectFail, noPort)),
		after(time.Second, with(event.ConnectFail, repeats)))
	snap := of(events...).Snapshot(begin.Add(2 * time.Second))
	s := spaceOf(t, snap, snapshot.ConnectSpace, web)
	if s.Capacity != 4 || s.Live != 1 || s.Bound != 3 || s.Headroom() != 0 || !s.IsFull() || s.Exhausted != 6 {
		t.Errorf("%+v", s)
	}
	if len(s.Holders) != 2 || s.Holders[0].Proc.Comm != "cache" || s.Holders[0].Bound != 3 || s.Holders[1].Live != 1 {
		t.Errorf("holders %+v", s.Holders)
	}
	if len(s.Victims) != 1 || s.Victims[0].Proc.Comm != "shop" || s.Victims[0].Failures != 6 {
		t.Errorf("victims %+v", s.Victims)
	}
	if !s.Forecast.Known || s.Forecast.ETA != 0 || s.Forecast.Never {
		t.Errorf("forecast %+v", s.Forecast)
	}
	other := spaceOf(t, snap, snapshot.ConnectSpace, endpoint("10.0.0.7:6379"))
	if other.Live != 3 || other.Bound != 0 || len(other.Victims) != 0 {
		t.Errorf("%+v", other)
	}
}

// A port that a connection has and that is bound at another address belongs to the connection's owner.
func TestBoundLater(t *testing.T) {
	t.Parallel()
	bind := all(from(40000), owner(cache), func(e *event.Event) { e.Src.Addr, e.Dst = web.Addr, event.Endpoint{} })
	snap := of(ranged(40000, 40003), known(cache, "cache"), known(shop, "shop"), with(event.Open, from(40000)), with(event.Bind, bind)).Snapshot(begin)
	s := spaceOf(t, snap, snapshot.ConnectSpace, web)
	if s.InUse() != 1 || len(s.Holders) != 1 || s.Holders[0].Proc.Comm != "shop" {
		t.Errorf("%d in use, by %+v", s.InUse(), s.Holders)
	}
}

// What waits in TIME_WAIT says when its ports come free.
func TestTimeWaitEnds(t *testing.T) {
	t.Parallel()
	closed := func(port uint16, after time.Duration) event.Event {
		return with(event.Close, all(from(port), flagged(event.TimeWait), func(e *event.Event) { e.Time = begin.Add(after) }))
	}
	snap := of(ranged(40000, 40003), with(event.Open, from(40000)), with(event.Open, from(40001)), with(event.Open, from(40002)),
		closed(40000, 500*time.Millisecond), closed(40001, 3*time.Second), closed(40002, 3*time.Second)).Snapshot(begin.Add(60 * time.Second))
	if s := spaceOf(t, snap, snapshot.ConnectSpace, web); !slices.Equal(s.Expiring, []int{0, 1, 0, 0, 2}) {
		t.Errorf("%d in TIME_WAIT end %v", s.TimeWait, s.Expiring)
	}
}

// A space without sockets can be full, too.
func TestFullWithoutSockets(t *testing.T) {
	t.Parallel()
	clock := event.Event{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1e18}}
	snap := of(clock, ranged(40000, 40000), with(event.Bind, all(from(40000), owner(cache), func(e *event.Event) { e.Dst = event.Endpoint{} })),
		with(event.ConnectFail, noPort)).Snapshot(begin)
	if s := spaceOf(t, snap, snapshot.ConnectSpace, web); !s.IsFull() || s.FullSince.IsZero() || s.Bound != 1 || len(s.Victims) != 1 {
		t.Errorf("%+v", s)
	}
	if s := spaceOf(t, snap, snapshot.BindSpace, event.Endpoint{}); !s.IsFull() || s.Exhausted != 0 {
		t.Errorf("%+v", s)
	}
}

// A space is not full any more when a bind() sets ports free, and not yet where some can be reused.
func TestNotFull(t *testing.T) {
	t.Parallel()
	clock := event.Event{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1e18}}
	bound := func(kind event.Kind) event.Event {
		return with(kind, all(from(40001), func(e *event.Event) { e.Dst = event.Endpoint{} }))
	}
	reuse := ranged(40000, 40001)
	reuse.Fact.(*event.Netns).Reuse = 1
	for name, events := range map[string][]event.Event{
		"set free": {ranged(40000, 40001), bound(event.Bind), with(event.Open, from(40000)), bound(event.SocketGone)},
		"reusable": {
			reuse, with(event.Close, all(from(40000), flagged(event.TimeWait))),
			with(event.Close, all(from(40001), flagged(event.TimeWait))),
		},
	} {
		snap := of(append([]event.Event{clock}, events...)...).Snapshot(begin.Add(5 * time.Second))
		if s := spaceOf(t, snap, snapshot.ConnectSpace, web); s.IsFull() || !s.FullSince.IsZero() {
			t.Errorf("%s: %d of %d in use, %d reusable, full since %s", name, s.InUse(), s.Capacity, s.Reusable, s.FullSince)
		}
	}
}

// 28,000 connections to a hundred destinations are nothing, to one they are the end.
func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		destinations int
		usage        float64
	}{{100, 0.01}, {1, 1}} {
		events := []event.Event{ranged(32768, 60999)}
		for i := range 28232 {
			e := with(event.Close, all(from(uint16(32768+i)), flagged(event.TimeWait)))
			e.Dst.Port = uint16(1 + i%c.destinations)
			events = append(events, e)
		}
		snap := of(events...).Snapshot(begin.Add(time.Second))
		first := &snap.PortSpaces[0]
		if got := float64(first.InUse()) / float64(first.Capacity); len(snap.PortSpaces) != c.destinations || got > c.usage*1.01 || got < c.usage*0.99 {
			t.Errorf("%d destinations: %d spaces, the first %.4f full", c.destinations, len(snap.PortSpaces), got)
		}
	}
}

// churn opens and closes at a rate, each connection leaving a TIME_WAIT.
func churn(perSecond int, seconds float64) []event.Event {
	events := []event.Event{ranged(40000, 40999), known(shop, "shop")}
	for i := range int(float64(perSecond) * seconds) {
		at := time.Duration(i) * time.Second / time.Duration(perSecond)
		events = append(events, after(at, with(event.Open, from(uint16(40000+i%1000)))),
			after(at+time.Millisecond, with(event.Close, all(from(uint16(40000+i%1000)), flagged(event.TimeWait),
				func(e *event.Event) { e.Duration = uint64(time.Millisecond) }))))
	}
	return events
}

func TestChurnForecast(t *testing.T) {
	t.Parallel()
	snap := of(churn(100, 4)...).Snapshot(begin.Add(4 * time.Second))
	s := spaceOf(t, snap, snapshot.ConnectSpace, web)
	if s.TimeWait != 400 || s.Peak != 400 {
		t.Errorf("%+v", s)
	}
	if eta := s.Forecast.ETA.Seconds(); s.Forecast.Never || eta < 5.7 || eta > 6.3 {
		t.Errorf("full in %.2f s, of 6: %+v", eta, s.Forecast)
	}
	if s.Sustainable < 16 || s.Sustainable > 16.7 || s.OpenRate < 95 || s.OpenRate > 105 {
		t.Errorf("%.1f/s of %.1f/s", s.OpenRate, s.Sustainable)
	}
	calm := of(churn(10, 30)...).Snapshot(begin.Add(30 * time.Second))
	if f := spaceOf(t, calm, snapshot.ConnectSpace, web).Forecast; !f.Known || !f.Never {
		t.Errorf("10/s: %+v", f)
	}
}

// If a space was full at the first scan, it is not known since when.
func TestFullBefore(t *testing.T) {
	t.Parallel()
	for d, before := range map[time.Duration]bool{0: true, 300 * time.Millisecond: true, 5 * time.Second: false} {
		open := after(d, with(event.Open, from(40000)))
		s := spaceOf(t, of(ranged(40000, 40000), open).Snapshot(begin.Add(time.Minute)), snapshot.ConnectSpace, web)
		if s.FullBeforeStart != before || s.FullSince != of(ranged(40000, 40000)).world.Clock.WallTime(open.Time) {
			t.Errorf("full after %s: since %s, before %v", d, s.FullSince, s.FullBeforeStart)
		}
	}
}

// If scans are the only source, it is not known how fast a space fills.
func TestForecastWithoutOpens(t *testing.T) {
	t.Parallel()
	off := event.Event{Time: begin, Kind: event.SignalsKnown, Fact: event.Signals{{Name: event.SignalStates, Mode: event.Off}}}
	found := func(port uint16) event.Event {
		return with(event.SocketFound, all(from(port), func(e *event.Event) { e.State = event.StateEstablished }))
	}
	snap := of(off, ranged(40000, 40001), found(40000)).Snapshot(begin)
	if f := spaceOf(t, snap, snapshot.ConnectSpace, web).Forecast; f.Known {
		t.Errorf("half full: %+v", f)
	}
	snap = of(off, ranged(40000, 40001), found(40000), found(40001)).Snapshot(begin)
	if f := spaceOf(t, snap, snapshot.ConnectSpace, web).Forecast; !f.Known || f.Never {
		t.Errorf("full: %+v", f)
	}
}

// What waits for the peer's FIN is not reused: a loopback space of programs that leave that
// to each other fills up.
func TestFinWait2Forecast(t *testing.T) {
	t.Parallel()
	events := churn(100, 4)
	events[0].Fact.(*event.Netns).Reuse = 1
	for i := range events {
		if events[i].Kind == event.Close {
			events[i].Flags = event.FinWait2
		}
	}
	s := spaceOf(t, of(events...).Snapshot(begin.Add(4*time.Second)), snapshot.ConnectSpace, web)
	if eta := s.Forecast.ETA.Seconds(); s.Reusable != 0 || s.Forecast.Never || eta < 5.7 || eta > 6.3 {
		t.Errorf("%d reusable, full in %.2f s, of 6: %+v", s.Reusable, eta, s.Forecast)
	}
}

// A filter narrows which spaces are listed, and no figure of them.
func TestFilteredSpaces(t *testing.T) {
	t.Parallel()
	found := func(change ...func(*event.Event)) event.Event {
		return with(event.SocketFound, all(append(change, func(e *event.Event) { e.State = event.StateTimeWait; e.Last = begin.Add(time.Minute) })...))
	}
	snap := of(ranged(40000, 40009),
		with(event.Open, from(40001)), notSelected(with(event.Open, all(from(40002), owner(cache)))),
		notSelected(with(event.Open, all(from(40003), owner(cache), towards("10.0.0.7:6379")))),
		found(from(40004), towards("10.0.0.8:80")), notSelected(found(from(40005), towards("10.0.0.9:80"))),
	).Snapshot(begin)
	if len(snap.PortSpaces) != 2 {
		t.Errorf("%d spaces: %+v", len(snap.PortSpaces), snap.PortSpaces)
	}
	if s := spaceOf(t, snap, snapshot.ConnectSpace, web); s.Live != 2 {
		t.Errorf("%+v", s)
	}
	spaceOf(t, snap, snapshot.ConnectSpace, endpoint("10.0.0.8:80"))
}

// So it does for those of bind().
func TestFilteredBindSpaces(t *testing.T) {
	t.Parallel()
	at := func(addr string, port uint16) func(*event.Event) {
		return func(e *event.Event) {
			e.Src, e.Dst, e.State = endpoint(addr+":1"), event.Endpoint{}, event.StateBound
			e.Src.Port = port
		}
	}
	snap := of(ranged(40000, 40009),
		with(event.Bind, at("10.0.0.1", 40001)), notSelected(with(event.Bind, at("10.0.0.2", 40002))),
		with(event.SocketFound, at("10.0.0.3", 40003)), notSelected(with(event.SocketFound, at("10.0.0.4", 40004))),
	).Snapshot(begin)
	var got []string
	for _, s := range snap.PortSpaces {
		got = append(got, s.Local.String())
	}
	slices.Sort(got)
	if want := []string{"10.0.0.1", "10.0.0.3"}; !slices.Equal(got, want) {
		t.Errorf("bind() on %q, want %q", got, want)
	}
}

// TestHoldersOfManySockets: who holds the ports is the same, whether the sockets of a space are
// counted in one pass that is kept, or one by one for its map.
func TestHoldersOfManySockets(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	events := []event.Event{ranged(40000, 40999), known(cache, "cache"), known(shop, "shop")}
	remote := func(i int) string { return fmt.Sprintf("10.0.0.%d:80", i) }
	const spaces = 2*maxMapped + 10
	for range 200 * spaces {
		to := random.IntN(spaces)
		e := with([]event.Kind{event.Open, event.Close}[random.IntN(2)], all(from(uint16(39950+random.IntN(300))), towards(remote(to)),
			owner([]event.ProcID{cache, shop}[random.IntN(2)])))
		switch e.Flags = []event.Flags{0, 0, event.TimeWait}[random.IntN(3)]; {
		case random.IntN(5) == 0 && e.Kind == event.Open && to%4 == 0:
			e.Flags |= event.EarlyBind
			e.Src.Port += 500 // else it is in the way of all spaces
		case random.IntN(20) == 0:
			e.Kind, e.State, e.Flags = event.SocketFound, event.StateCloseWait, event.BeforeStart
		}
		events = append(events, e)
	}
	s := of(events...)
	plain := s.Snapshot(begin)
	var all []snapshot.SpaceID
	for _, space := range plain.PortSpaces {
		all = append(all, space.ID())
	}
	mapped := s.Snapshot(begin, all...)
	compared := 0
	for i, space := range plain.PortSpaces {
		other := mapped.PortSpaces[i]
		if space.Map != nil || other.Map == nil {
			continue
		}
		for i := range other.Holders {
			other.Holders[i].Held = nil
		}
		if compared++; !reflect.DeepEqual(space.Holders, other.Holders) || !reflect.DeepEqual(space.OtherHolders, other.OtherHolders) {
			t.Errorf("%s: held by %+v, with a map by %+v", space.Remote, space.Holders, other.Holders)
		}
	}
	if compared < maxMapped {
		t.Errorf("%d spaces were compared", compared)
	}
}
