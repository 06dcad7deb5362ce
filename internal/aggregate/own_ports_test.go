package aggregate

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// A block of ports that a process has bound one by one is its own, unless it is the whole range, as
// the kernel gives that out, too, or has a gap.
func TestOwnPorts(t *testing.T) {
	t.Parallel()
	early := func(ports ...uint16) []event.Event {
		events := []event.Event{known(shop, "haproxy")}
		for _, port := range ports {
			events = append(events, with(event.Open, all(from(port), flagged(event.EarlyBind))))
		}
		return events
	}
	block := make([]uint16, 32)
	for i := range block {
		block[i] = uint16(40000 + i)
	}
	for name, c := range map[string]struct {
		events []event.Event
		want   int
		open   int
	}{
		"block":       {append([]event.Event{ranged(32768, 60999)}, early(block...)...), 32, 32},
		"whole range": {append([]event.Event{ranged(40000, 40031)}, early(block...)...), 0, 0},
		"gap":         {append([]event.Event{ranged(32768, 60999)}, early(slices.Delete(slices.Clone(block), 7, 8)...)...), 0, 0},
		"few":         {append([]event.Event{ranged(32768, 60999)}, early(block[:minOwnPorts-1]...)...), 0, 0},
		"one closed": {
			append(append([]event.Event{ranged(32768, 60999)}, early(block...)...),
				after(time.Second, with(event.Close, all(from(40003), flagged(event.TimeWait), func(e *event.Event) { e.Duration = uint64(time.Second) })))),
			32, 31,
		},
	} {
		own := processOf(t, of(c.events...).Snapshot(begin.Add(2*time.Second)), shop).OwnPorts
		switch {
		case own == nil && c.want > 0, own != nil && (own.Size() != c.want || own.Open != c.open):
			t.Errorf("%s: %+v, want %d ports, %d open", name, own, c.want, c.open)
		case own != nil && (own.Low != 40000 || own.Netns != inode || own.Local != endpoint("10.0.0.1:1").Addr):
			t.Errorf("%s: %+v", name, *own)
		}
	}
}

// When an outgoing connection ended last is known of a block; an accepted one is none.
func TestOwnPortsEnded(t *testing.T) {
	t.Parallel()
	events := []event.Event{
		{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1e18, Boot: int64(begin)}},
		ranged(32768, 60999), known(shop, "haproxy"),
	}
	for port := uint16(40000); port <= 40032; port++ {
		events = append(events, with(event.Open, all(from(port), flagged(event.EarlyBind))))
	}
	end := func(at time.Duration, direction event.Direction, port uint16) event.Event {
		return after(at, with(event.Close, all(from(port), func(e *event.Event) { e.Direction, e.Duration = direction, uint64(at) })))
	}
	s := of(append(events, end(time.Second, event.In, 8080))...)
	if own := processOf(t, s.Snapshot(begin.Add(time.Second)), shop).OwnPorts; own == nil || !own.Ended.IsZero() {
		t.Errorf("none has ended: %+v", own)
	}
	s.Add([]event.Event{end(2*time.Second, event.Out, 40032), end(3*time.Second, event.In, 8080)})
	want := time.Unix(0, 1e18).Add(2 * time.Second)
	if own := processOf(t, s.Snapshot(begin.Add(4*time.Second)), shop).OwnPorts; own == nil || !own.Ended.Equal(want) || own.Size() != 32 {
		t.Errorf("ended: %+v, want %s", own, want)
	}
}

// Until enough connections have ended, what a space sustains is by the rule of thumb; of those
// that stay open it is not known.
func TestRoughSustainable(t *testing.T) {
	t.Parallel()
	waiting := func(ports int) []event.Event {
		events := []event.Event{ranged(40000, 40999), known(shop, "shop")}
		for i := range ports {
			events = append(events, with(event.SocketFound, all(from(uint16(40000+i)), flagged(event.BeforeStart), func(e *event.Event) {
				e.State, e.Proc, e.Last = event.StateTimeWait, event.ProcID{}, e.Time.Add(time.Minute)
			})))
		}
		return append(events, after(10*time.Millisecond, with(event.ConnectFail, noPort)))
	}
	s := spaceOf(t, of(waiting(1000)...).Snapshot(begin.Add(time.Second)), snapshot.ConnectSpace, web)
	if !s.SustainableRough || s.Sustainable < 16 || s.Sustainable > 16.7 || s.Wanted < 0.9 {
		t.Errorf("full from the start: %.2f/s, rough %v, wanted %.2f/s", s.Sustainable, s.SustainableRough, s.Wanted)
	}
	var at []time.Duration
	for i := range 60 {
		at = append(at, time.Duration(i)*250*time.Millisecond)
	}
	s = spaceOf(t, of(opened(at...)...).Snapshot(begin.Add(15*time.Second)), snapshot.ConnectSpace, web)
	if s.Sustainable != 0 || s.SustainableRough {
		t.Errorf("none closed in 15 s: %.2f/s", s.Sustainable)
	}
	s = spaceOf(t, of(churn(20, 5)...).Snapshot(begin.Add(5*time.Second)), snapshot.ConnectSpace, web)
	if s.SustainableRough || s.Sustainable <= 0 {
		t.Errorf("with 100 closes: %.2f/s, rough %v", s.Sustainable, s.SustainableRough)
	}
}

// A space of ports in TIME_WAIT is full again and again: the time since when calls find no port
// goes on while the pauses are short.
func TestExhaustedSince(t *testing.T) {
	t.Parallel()
	fail := func(at time.Duration) event.Event { return after(at, with(event.ConnectFail, noPort)) }
	open := func(at time.Duration) event.Event { return after(at, with(event.Open, from(40001))) }
	events := []event.Event{ranged(40000, 40999), known(shop, "shop"), fail(time.Second), open(2 * time.Second), fail(8 * time.Second), fail(30 * time.Second)}
	for at, want := range map[time.Duration]time.Duration{9 * time.Second: time.Second, 17 * time.Second: time.Second, 19 * time.Second: 0, 31 * time.Second: 30 * time.Second} {
		before := slices.DeleteFunc(slices.Clone(events), func(e event.Event) bool { return e.Time > begin.Add(at) })
		stream := of(before...)
		s := spaceOf(t, stream.Snapshot(begin.Add(at)), snapshot.ConnectSpace, web)
		since := s.ExhaustedSince
		if want == 0 && !since.IsZero() || want > 0 && !since.Equal(stream.world.Clock.WallTime(begin.Add(want))) {
			t.Errorf("after %s: since %s", at, since)
		}
	}
}
