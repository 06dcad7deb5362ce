package aggregate

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// portStream is sockets of all kinds in a port range: connections of several spaces in all
// states, early bound ones, bound and listening ones at several addresses, accepted ones, some
// with a range of their own, and reserved ports among them.
func portStream(seed uint64, ports event.PortRange, sockets int) []event.Event {
	r := rand.New(rand.NewPCG(seed, 2))
	config := ranged(ports.Low, ports.High)
	netns := config.Fact.(*event.Netns)
	third := uint16(ports.Size() / 3)
	netns.Reserved = fmt.Sprintf("%d-%d,%d", ports.Low+third, ports.Low+third+third/4, ports.High)
	netns.Reuse = uint8(r.IntN(3))
	stream := []event.Event{config}
	locals := [...]string{"10.0.0.1:1", "10.0.0.3:1", "0.0.0.0:1", "[::]:1"}
	for i := range sockets {
		at := time.Duration(i) * time.Millisecond
		base := func(kind event.Kind, change func(*event.Event)) event.Event {
			return after(at, with(kind, func(e *event.Event) {
				e.Src = endpoint(locals[r.IntN(2)])
				e.Src.Port = uint16(int(ports.Low) - 5 + r.IntN(ports.Size()+10))
				e.Dst.Port, e.Cookie = uint16(80+r.IntN(3)), uint64(i+1)
				e.Proc = event.ProcID{PID: uint32(r.IntN(20)), Start: 1}
				if change != nil {
					change(e)
				}
			}))
		}
		open := base(event.Open, nil)
		next := func(kind event.Kind, f event.Flags) event.Event {
			e := open
			e.Kind, e.Flags = kind, f
			return e
		}
		switch r.IntN(10) {
		case 0:
			stream = append(stream, base(event.Bind, func(e *event.Event) { e.Src.Addr, e.Dst = endpoint(locals[r.IntN(4)]).Addr, event.Endpoint{} }))
		case 1:
			stream = append(stream, base(event.Listen, func(e *event.Event) { e.Src.Addr, e.Dst = endpoint(locals[r.IntN(4)]).Addr, event.Endpoint{} }))
		case 2:
			open.Flags = event.EarlyBind
			stream = append(stream, open)
			if r.IntN(2) == 0 {
				stream = append(stream, next(event.Close, event.TimeWait))
			}
		case 3:
			stream = append(stream, base(event.SocketFound, func(e *event.Event) {
				e.Direction, e.State, e.Flags = event.In, event.StateCloseWait, event.OwnedByBind
			}))
		case 4:
			open.SocketRange = event.PortRange{Low: ports.Low + third, High: ports.High + 5}
			stream = append(stream, open)
		case 5:
			stream = append(stream, open, next(event.SynUnanswered, 0))
		case 6:
			stream = append(stream, open, next(event.EnterCloseWait, 0))
		case 7:
			stream = append(stream, open)
		default:
			stream = append(stream, open, next(event.Close, event.TimeWait))
		}
	}
	noPortAt := func(kind event.Kind, change func(*event.Event)) event.Event {
		return after(time.Duration(sockets)*time.Millisecond, with(kind, all(noPort, change)))
	}
	return append(stream,
		noPortAt(event.ConnectFail, func(e *event.Event) { e.Dst.Port = 80 }),
		noPortAt(event.BindFail, func(e *event.Event) { e.Dst = event.Endpoint{} }),
		noPortAt(event.BindFail, func(e *event.Event) { e.Src, e.Dst = endpoint("0.0.0.0:0"), event.Endpoint{} }))
}

// A map counts each port once, for what the occupancy of its row counts it, whatever there is.
func TestMapIsTheOccupancy(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		ports := event.PortRange{Low: 40_000, High: 40_000 + uint16(20+seed*137)}
		snap := of(portStream(seed, ports, 2*ports.Size())...).Snapshot(0)
		mapped, own, bind := 0, 0, 0
		for i := range snap.PortSpaces {
			s := &snap.PortSpaces[i]
			if s.Map == nil {
				continue
			}
			mapped++
			if s.PerSocketRange {
				own++
			}
			if s.Kind == snapshot.BindSpace {
				bind++
			}
			checkMap(t, s)
			for j := range s.Holders {
				checkHeld(t, s, &s.Holders[j])
			}
		}
		if mapped < 9 || own < 2 || bind < 2 {
			t.Errorf("seed %d: only %d maps, %d of a range of its own, %d of bind()", seed, mapped, own, bind)
		}
	}
}

func checkMap(t *testing.T, s *snapshot.PortSpace) {
	t.Helper()
	total := s.Map.Total()
	live := int(total.Open) + int(total.SynSent) + int(total.CloseWait)
	if live != s.Live || int(total.TimeWait) != s.TimeWait || int(total.Bound)+int(total.Listener) != s.Bound {
		t.Errorf("%+v: the map has %+v, the row %+v", s.ID(), total, s.Occupancy)
	}
	if s.Kind == snapshot.ConnectSpace && (int(total.SynSent) != s.SynSent || int(total.CloseWait) != s.CloseWait) {
		t.Errorf("%+v: the map has %+v, the row %+v", s.ID(), total, s.Occupancy)
	}
	if int(total.Ports) != s.Range.Size() || int(total.Ports)-int(total.Reserved) != s.Capacity || total.Free() != s.Headroom() {
		t.Errorf("%+v: the map has %+v, the row %+v", s.ID(), total, s.Occupancy)
	}
	if (event.PortRange{Low: s.Map.Low, High: s.Map.High}) != s.Range || len(s.Map.Slices) > snapshot.MaxSlices {
		t.Errorf("%+v: %d slices from %d to %d", s.ID(), len(s.Map.Slices), s.Map.Low, s.Map.High)
	}
	next := int(s.Range.Low)
	for i, slice := range s.Map.Slices {
		r := s.Map.Range(i)
		if int(r.Low) != next || r.Size() != int(slice.Ports) {
			t.Errorf("slice %d is %+v, with %d ports", i, r, slice.Ports)
		}
		next = int(r.High) + 1
	}
	if next != int(s.Range.High)+1 {
		t.Errorf("the slices end before %d", next)
	}
}

// checkHeld checks that the ranges hold all ports of the holder, none of them twice.
func checkHeld(t *testing.T, s *snapshot.PortSpace, h *snapshot.Holder) {
	t.Helper()
	if h.Held == nil || len(h.Held.Ranges) > maxHeldRanges {
		t.Errorf("%+v of %+v", h, s.ID())
		return
	}
	sum := h.Held.Rest.Ports
	for i, r := range h.Held.Ranges {
		sum += r.Ports
		if r.Low < s.Range.Low || r.High > s.Range.High || 2*r.Ports < r.Size() || r.Bound > r.Ports ||
			i > 0 && r.Low <= h.Held.Ranges[i-1].High {
			t.Errorf("range %+v of %+v", r, h.Held)
		}
	}
	if rest := h.Held.Rest; sum != h.Ports() || rest.Ports > rest.Size() {
		t.Errorf("%d ports, and in the ranges %d: %+v", h.Ports(), sum, h.Held)
	}
}

// The slices show where something is, not only how much.
func TestMapShowsWhere(t *testing.T) {
	t.Parallel()
	config := ranged(40_000, 40_999)
	config.Fact.(*event.Netns).Reserved = "40500-40503"
	bind := func(kind event.Kind, port uint16) event.Event {
		return with(kind, all(from(port), func(e *event.Event) { e.Dst = event.Endpoint{} }))
	}
	snap := of(config, with(event.Open, from(40_000)), with(event.Open, from(40_010)), with(event.SynUnanswered, from(40_010)),
		with(event.Open, from(40_021)), with(event.EnterCloseWait, from(40_021)),
		with(event.Open, from(40_030)), with(event.Close, all(from(40_030), flagged(event.TimeWait))),
		bind(event.Bind, 40_041), bind(event.Listen, 40_999)).Snapshot(0)
	space := spaceOf(t, snap, snapshot.ConnectSpace, web)
	want := make([]snapshot.PortSlice, 500) // of two ports each
	for i := range want {
		want[i].Ports = 2
	}
	want[0].Open, want[5].SynSent, want[10].CloseWait, want[15].TimeWait = 1, 1, 1, 1
	want[20].Bound, want[499].Listener = 1, 1
	want[250].Reserved, want[251].Reserved = 2, 2
	if space.Map == nil || !reflect.DeepEqual(space.Map.Slices, want) {
		t.Errorf("%+v", space.Map)
	}
}

// A proxy has a block of ports that a bind() owns, and others that connect() chose.
func TestHeldRanges(t *testing.T) {
	t.Parallel()
	events := []event.Event{ranged(32_768, 60_999), known(nginx, "haproxy"), known(shop, "shop")}
	for port := uint16(40_000); port < 40_200; port++ {
		if port%10 == 3 { // free at the moment
			continue
		}
		events = append(events, with(event.Open, all(from(port), owner(nginx), flagged(event.EarlyBind), towards("10.0.0.7:443"))))
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		events = append(events, with(event.Open, all(from(uint16(45_000+97*r.IntN(100))), owner(nginx))))
	}
	for port := uint16(32_768); port < 33_768; port += 2 { // the parity that connect() tries first
		events = append(events, with(event.Open, from(port)))
	}
	space := spaceOf(t, of(events...).Snapshot(0), snapshot.ConnectSpace, web)
	for _, h := range space.Holders {
		checkHeld(t, &space, &h)
		switch held := h.Held; h.Proc.Comm {
		case "haproxy":
			block := snapshot.HeldRange{PortRange: event.PortRange{Low: 40_000, High: 40_199}, Ports: 180, Bound: 180}
			if len(held.Ranges) != 1 || held.Ranges[0] != block || held.Rest.Low < 45_000 || held.Rest.Bound != 0 {
				t.Errorf("haproxy: %+v", held)
			}
		case "shop":
			block := snapshot.HeldRange{PortRange: event.PortRange{Low: 32_768, High: 33_766}, Ports: 500}
			if len(held.Ranges) != 1 || held.Ranges[0] != block || held.Rest.Ports != 0 {
				t.Errorf("shop: %+v", held)
			}
		}
	}
	if len(space.Holders) != 2 {
		t.Errorf("holders %+v", space.Holders)
	}
}

// Few spaces have a map: the fullest, those that fail, and those of the focus, which is a function
// of the stream as the others are.
func TestMapped(t *testing.T) {
	t.Parallel()
	const spaces = 60
	events := []event.Event{ranged(40_000, 40_999)}
	id := func(space int) snapshot.SpaceID {
		return snapshot.SpaceID{
			Kind: snapshot.ConnectSpace, Netns: inode, Proto: event.TCP, Local: with(event.Open, nil).Src.Addr,
			Remote: event.Endpoint{Addr: web.Addr, Port: uint16(1 + space)},
		}
	}
	for space := range spaces {
		for port := range spaces - space {
			events = append(events, with(event.Open, all(from(uint16(40_000+port)), func(e *event.Event) { e.Dst = id(space).Remote })))
		}
	}
	events = append(events, with(event.ConnectFail, all(noPort, func(e *event.Event) { e.Dst = id(50).Remote })))
	s := of(events...)
	count := func(snap *snapshot.Snapshot) (n int) {
		for i := range snap.PortSpaces {
			if p := &snap.PortSpaces[i]; p.Map != nil {
				n++
				checkMap(t, p)
			}
		}
		return n
	}
	plain := s.Snapshot(0)
	if n := count(plain); n != maxMapped+1 || plain.Space(id(0)).Map == nil || plain.Space(id(50)).Map == nil {
		t.Errorf("%d maps", n)
	}
	focused := s.Snapshot(0, id(0), id(40), id(59), id(1000))
	if n := count(focused); n != maxMapped+3 || focused.Space(id(40)).Map == nil || focused.Space(id(59)).Map == nil {
		t.Errorf("%d maps with a focus", n)
	}
	if again := of(events...).Snapshot(0, id(0), id(40), id(59), id(1000)); !reflect.DeepEqual(again, focused) {
		t.Error("the same stream and focus gave two snapshots")
	}
}

// What a recording holds of a range can be anything.
func TestMapOfHostileRange(t *testing.T) {
	t.Parallel()
	for _, ports := range []event.PortRange{{Low: 0, High: 65535}, {Low: 1, High: 65535}, {Low: 65535, High: 65535}, {Low: 500, High: 400}, {}} {
		s := newStreamOf(portspace.New(1000))
		s.Add([]event.Event{ranged(ports.Low, ports.High), with(event.Open, from(65_535)), with(event.Open, from(1)), with(event.Open, from(450))})
		space := spaceOf(t, s.Snapshot(0), snapshot.ConnectSpace, web)
		switch {
		case space.Map != nil:
			checkMap(t, &space)
		case ports.Low > 0 && ports.Size() > 0:
			t.Errorf("%+v has no map", ports)
		}
	}
}

// TestNextTaken: ports that are skipped together are those that are skipped one by one.
func TestNextTaken(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		classes := make([]portClass, r.IntN(200))
		for range r.IntN(4) {
			if len(classes) > 0 {
				classes[r.IntN(len(classes))] = portClass(r.IntN(int(portListener) + 1))
			}
		}
		from := r.IntN(len(classes) + 1)
		want := from
		for want < len(classes) && classes[want] == portFree {
			want++
		}
		if got := nextTaken(classes, from); got != want {
			t.Fatalf("from %d of %v: %d, want %d", from, classes, got, want)
		}
	}
}
