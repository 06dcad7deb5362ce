package portspace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// watched feeds a table and its Thresholds, and collects the changes, a line each.
type watched struct {
	*Thresholds
	lines []string
}

func newWatched() *watched { return &watched{Thresholds: NewThresholds(New(Limit))} }

func watchedOf(ports event.PortRange, change ...func(*event.Netns)) *watched {
	w := newWatched()
	w.add(config(ports, "", change...))
	return w
}

func (w *watched) add(e event.Event) {
	w.note(w.Advance(e.Time))
	w.table.Add(&e)
	w.note(w.Add(&e))
}

func (w *watched) note(changes []event.Event) {
	for _, change := range changes {
		use := change.Fact.(*event.SpaceUse)
		w.lines = append(w.lines, fmt.Sprintf("%s %s %s %d/%d by %d", time.Duration(change.Time-start), change.Dst, use.State,
			use.InUse(), use.Capacity, change.Proc.PID))
	}
}

// each makes an event for each port.
func (w *watched) each(from, to uint16, one func(src string) event.Event) {
	for port := int(from); port <= int(to); port++ {
		w.add(one(fmt.Sprintf("10.0.0.1:%d", port)))
	}
}

// tick is what every second of a stream has.
func (w *watched) tick(after time.Duration) {
	w.add(event.Event{Time: start.Add(after), Kind: event.HealthKnown, Fact: &event.Health{}})
}

func (w *watched) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(w.lines, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(w.lines, "\n  "), strings.Join(want, "\n  "))
	}
}

const away = "10.0.0.2:80"

func opens(changes ...func(*event.Event)) func(string) event.Event {
	return func(src string) event.Event { return socketEvent(event.Open, src, away, changes...) }
}

func closes(changes ...func(*event.Event)) func(string) event.Event {
	return func(src string) event.Event { return socketEvent(event.Close, src, away, changes...) }
}

// A space fills, is full for as long as its TIME_WAIT lasts, and is ok again when that
// expires, which no event reports.
func TestThresholds(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40079, opens())
	w.expect(t)
	w.each(40080, 40099, opens(at(time.Second)))
	w.each(40000, 40099, closes(at(2*time.Second), flags(event.TimeWait)))
	w.tick(60 * time.Second)
	w.tick(64 * time.Second)
	w.tick(65 * time.Second)
	w.expect(t, "1s 10.0.0.2:80 high 81/100 by 100", "1s 10.0.0.2:80 full 100/100 by 100", "1m4s 10.0.0.2:80 ok 0/100 by 0")
}

// A space at its limit goes up and down by a few ports all the time.
func TestThresholdsDoNotFlap(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40099, opens())
	for i := range 10 {
		after := time.Duration(i+1) * time.Second
		w.each(40090, 40099, closes(at(after)))
		w.each(40090, 40099, opens(at(after)))
	}
	w.expect(t, "0s 10.0.0.2:80 high 81/100 by 100", "0s 10.0.0.2:80 full 100/100 by 100")

	w.lines = nil
	w.each(40080, 40099, closes(at(20*time.Second))) // to 80 of 100: not full any more, and not well
	w.tick(21 * time.Second)
	w.each(40080, 40099, opens(at(22*time.Second)))
	w.expect(t, "22s 10.0.0.2:80 full 100/100 by 100")

	w.lines = nil
	w.each(40060, 40099, closes(at(30*time.Second)))
	w.tick(31 * time.Second)
	w.each(40060, 40080, opens(at(32*time.Second)))
	w.expect(t, "31s 10.0.0.2:80 ok 60/100 by 100", "32s 10.0.0.2:80 high 81/100 by 100")
}

// A bind() takes ports from every space of the namespace.
func TestThresholdsBound(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.add(socketEvent(event.Open, "10.0.0.1:40000", away))
	w.add(socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.3:80"))
	w.each(40001, 40099, func(src string) event.Event { return socketEvent(event.Bind, src, "", at(time.Second), by(cache)) })
	w.tick(1500 * time.Millisecond)
	w.expect(t)
	w.tick(2 * time.Second)
	w.expect(t, "2s 10.0.0.2:80 full 100/100 by 200", "2s 10.0.0.3:80 full 100/100 by 200")

	w.lines = nil
	w.each(40001, 40099, func(src string) event.Event { return socketEvent(event.SocketGone, src, "", at(3*time.Second)) })
	w.tick(4 * time.Second)
	w.expect(t, "4s 10.0.0.2:80 ok 1/100 by 100", "4s 10.0.0.3:80 ok 1/100 by 100")
}

// A port that a connection holds and that is bound at another address, too, is counted once.
func TestThresholdsBoundLater(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40059, opens())
	w.each(40000, 40059, func(src string) event.Event {
		return socketEvent(event.Bind, strings.Replace(src, "10.0.0.1", "10.0.0.9", 1), "", by(cache))
	})
	w.add(opens(at(100 * time.Millisecond))("10.0.0.1:40060"))
	w.tick(time.Second)
	w.expect(t)
	if s := spaceTo(w.table, "10.0.0.1", away); s.Peak > s.Capacity() {
		t.Errorf("%d were in use, of %d", s.Peak, s.Capacity())
	}
}

// No socket holds a port of a space whose every port is bound; a failed call shows it.
func TestThresholdsWithoutSockets(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40099, func(src string) event.Event { return socketEvent(event.Bind, src, "", by(cache)) })
	fails := socketEvent(event.ConnectFail, "10.0.0.1:0", away, func(e *event.Event) { e.Reason = event.RangeExhausted })
	w.add(fails)
	w.add(fails)
	w.tick(time.Second)
	w.expect(t, "0s 10.0.0.2:80 full 100/100 by 200")
}

// What connect() would reuse counts as free.
func TestThresholdsReuse(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred, func(n *event.Netns) { n.Reuse = 1 })
	w.each(40000, 40094, opens())
	w.each(40000, 40094, closes(flags(event.TimeWait)))
	for i := range 5 {
		w.tick(time.Duration(i+2) * time.Second)
	}
	w.expect(t)
	w.each(40000, 40094, opens(at(10*time.Second), flags(event.Reused)))
	w.tick(11 * time.Second)
	w.expect(t, "11s 10.0.0.2:80 high 95/100 by 100")
}

func TestThresholdsOwnRange(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40009, opens(own(40000, 40009)))
	w.each(40050, 40059, opens(own(1000, 2000))) // ignored: it lies outside
	w.tick(time.Second)
	w.expect(t, "1s 10.0.0.2:80 full 10/10 by 100")
}

// What a filter leaves out takes ports, but its spaces are not reported.
func TestThresholdsSelected(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40089, opens(flags(event.NotSelected), by(cache)))
	w.tick(time.Second)
	w.expect(t)
	w.each(40090, 40090, opens(at(time.Second)))
	w.expect(t, "1s 10.0.0.2:80 high 91/100 by 200")
}

// Connections to a listener allocate no port, whatever else is bound.
func TestThresholdsAccepted(t *testing.T) {
	t.Parallel()
	w := watchedOf(hundred)
	w.each(40000, 40098, func(src string) event.Event { return socketEvent(event.Listen, src, "") })
	w.add(socketEvent(event.SocketFound, "10.0.0.1:40000", away, going(event.In), flags(event.OwnedByBind)))
	w.each(40000, 40001, opens(flags(event.EarlyBind)))
	w.tick(time.Second)
	w.expect(t)
}

// What exists at the start is reported, too, once the range is known.
func TestThresholdsFound(t *testing.T) {
	t.Parallel()
	w := newWatched()
	w.each(40000, 40099, func(src string) event.Event {
		return socketEvent(event.SocketFound, src, away, inState(event.StateEstablished), flags(event.BeforeStart), by(event.ProcID{}))
	})
	w.expect(t)
	w.add(config(hundred, "40098-40099"))
	w.tick(time.Second)
	w.expect(t, "1s 10.0.0.2:80 full 98/98 by 0")
}

// The order of lines is deterministic.
func TestThresholdsOrder(t *testing.T) {
	t.Parallel()
	var first []string
	for range 10 {
		w := watchedOf(hundred)
		for i := range 50 {
			remote := netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), uint16(1+i)).String()
			w.each(40000, 40080, func(src string) event.Event { return socketEvent(event.Open, src, remote) })
			w.each(40050, 40080, func(src string) event.Event { return socketEvent(event.Close, src, remote) })
		}
		w.tick(time.Second)
		if first == nil {
			first = w.lines
		}
		if w.expect(t, first...); len(w.lines) != 100 {
			t.Fatalf("%d lines", len(w.lines))
		}
	}
}

func TestThresholdsBounded(t *testing.T) {
	t.Parallel()
	w := watchedOf(event.PortRange{Low: 40000, High: 40000})
	for i := range 2 * maxWatched {
		remote := event.Endpoint{Addr: event.Addr{0xfd, 15: byte(i >> 8)}, Port: uint16(i%256 + 1)}
		w.add(socketEvent(event.Open, "10.0.0.1:40000", "", func(e *event.Event) { e.Dst = remote }))
	}
	if len(w.lines) != maxWatched || len(w.states) != maxWatched {
		t.Errorf("%d reported, %d remembered", len(w.lines), len(w.states))
	}
}
