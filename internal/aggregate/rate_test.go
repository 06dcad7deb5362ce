package aggregate

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// opened returns connections that stay open, from those moments on.
func opened(at ...time.Duration) []event.Event {
	events := []event.Event{ranged(40000, 40063), known(shop, "shop")}
	for i, d := range at {
		events = append(events, after(d, with(event.Open, from(uint16(40000+i)))))
	}
	return events
}

// A pool that was opened at once and sits there has no rate, neither then nor later. Nor
// has one that took a second, or one beside a few others.
func TestPoolHasNoForecast(t *testing.T) {
	t.Parallel()
	for name, gap := range map[string]time.Duration{"at once": 0, "in 0.5 s": 25 * time.Millisecond, "in 1.4 s": 70 * time.Millisecond} {
		var at []time.Duration
		for i := range 20 {
			at = append(at, 500*time.Millisecond+time.Duration(i)*gap)
		}
		at = append(at, 20*time.Second, 40*time.Second)
		for second := range 150 {
			now := time.Duration(second)*time.Second + 100*time.Millisecond
			events := opened(at...)
			for len(events) > 0 && events[len(events)-1].Time > begin.Add(now) {
				events = events[:len(events)-1]
			}
			for _, s := range of(events...).Snapshot(begin.Add(now)).PortSpaces {
				if s.Forecast.Known {
					t.Fatalf("%s: after %s: %+v", name, now, s.Forecast)
				}
			}
		}
	}
}

// An ended owner opens nothing: what was a rate is none two seconds later.
func TestStoppedHasNoForecast(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{5, 20, 100} {
		events := churn(perSecond, 8)
		for after, want := range map[time.Duration]bool{0: true, 2 * time.Second: false, time.Minute: false} {
			s := spaceOf(t, of(events...).Snapshot(begin.Add(8*time.Second+after)), snapshot.ConnectSpace, web)
			if s.Forecast.Known != want {
				t.Errorf("%d opens/s, %s after the last: %+v", perSecond, after, s.Forecast)
			}
		}
	}
}

// A slow leak has a rate: over a longer window, which is that of the row, too.
func TestSlowLeak(t *testing.T) {
	t.Parallel()
	var at []time.Duration
	for i := range 30 {
		at = append(at, time.Duration(i)*4*time.Second)
	}
	s := spaceOf(t, of(opened(at...)...).Snapshot(begin.Add(118*time.Second)), snapshot.ConnectSpace, web)
	if f := s.Forecast; f.Never || f.ETA < 110*time.Second || f.ETA > 160*time.Second || s.OpenRate < 0.24 || s.OpenRate > 0.27 {
		t.Errorf("%.3f/s: %+v", s.OpenRate, f)
	}
}

// Early bound ports are no other destination's either: all spaces of the address are full at
// the same moment, when those of all destinations take the range. tcp_tw_reuse does not help.
func TestEarlyBindOneForecast(t *testing.T) {
	t.Parallel()
	for _, destinations := range []int{1, 4, 9} {
		k := newSimulated(1, 504)
		k.reuse = true
		s := of(k.facts()...)
		k.emit = func(e event.Event) { s.Add([]event.Event{e}) }
		i := 0
		(&program{k: k, gap: k.steady(63), open: func() opening {
			i++
			return opening{event.Endpoint{Addr: web.Addr, Port: uint16(80 + i%destinations)}, true, 10 * time.Millisecond, true}
		}}).start()
		k.runTo(5 * time.Second)
		for _, row := range s.Snapshot(begin.Add(5 * time.Second)).PortSpaces {
			if row.Kind != snapshot.ConnectSpace {
				continue
			}
			all := row.Sustainable * float64(destinations)
			if eta := row.Forecast.ETA.Seconds(); row.Forecast.Never || eta < 2.6 || eta > 3.4 || all < 7.5 || all > 8.7 {
				t.Errorf("%d destinations: full in %.1f s, of 3.0; sustainable %.2f/s, of 8.2 by all: %s", destinations, eta, all, row.Forecast.Model)
			}
		}
	}
}

// Where the peer closes microseconds after the open, ports are not what limits the rate.
func TestNoFigureOfAMaximum(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]bool{80 * time.Nanosecond: false, 3 * time.Microsecond: false, 200 * time.Millisecond: true} {
		var events []event.Event
		for i := range 400 {
			at := time.Duration(i) * 10 * time.Millisecond
			port := from(uint16(40000 + i%1000))
			events = append(events, after(at, with(event.Open, port)),
				after(at+life, with(event.Close, all(port, func(e *event.Event) { e.Duration = uint64(life) }))))
		}
		s := spaceOf(t, of(append([]event.Event{ranged(40000, 40999)}, sortedByTime(events)...)...).Snapshot(begin.Add(4*time.Second)), snapshot.ConnectSpace, web)
		if (s.Sustainable > 0) != want || s.Sustainable > 1e6 {
			t.Errorf("open for %s: %.0f/s", life, s.Sustainable)
		}
	}
}

// An orphan whose peer does not close has its port for tcp_fin_timeout; where the peer closes
// later, a TIME_WAIT is behind that. Before any has gone on, the longer one holds.
func TestSustainableOfOrphans(t *testing.T) {
	t.Parallel()
	config := ranged(40000, 40999)
	config.Fact.(*event.Netns).FinTimeout, config.Fact.(*event.Netns).MaxTimeWait = uint64(3*time.Second), 1<<17
	for name, c := range map[string]struct {
		peerCloses bool
		seconds    int
		least      float64
		most       float64
	}{
		"none has gone on":           {false, 3, 15, 17},
		"the peer never closes":      {false, 12, 310, 335},
		"the peer closes in 1 s":     {true, 12, 15, 17},
		"tcp_fin_timeout is not set": {false, 0, 15, 17},
	} {
		events, seconds := []event.Event{config}, c.seconds
		if seconds == 0 {
			events, seconds = []event.Event{ranged(40000, 40999)}, 12
		}
		for i := range 20 * seconds {
			at, port := time.Duration(i)*50*time.Millisecond, from(uint16(40000+i))
			events = append(events, after(at, with(event.Open, port)),
				after(at+time.Millisecond, with(event.Close, all(port, flagged(event.FinWait2), func(e *event.Event) { e.Duration = uint64(time.Millisecond) }))))
			if c.peerCloses {
				events = append(events, after(at+time.Second, with(event.SocketFound, all(port, func(e *event.Event) {
					e.State, e.Last, e.Duration = event.StateTimeWait, e.Time.Add(61*time.Second), 0
				}))))
			}
		}
		s := spaceOf(t, of(sortedByTime(events)...).Snapshot(begin.Add(time.Duration(seconds)*time.Second)), snapshot.ConnectSpace, web)
		if s.Forecast.Known && !s.Forecast.Never && s.Forecast.High >= 0 && !c.peerCloses && c.seconds > 0 {
			t.Errorf("%s: will surely be full: %+v", name, s.Forecast)
		}
		if s.Sustainable < c.least || s.Sustainable > c.most {
			t.Errorf("%s: %.1f/s", name, s.Sustainable)
		}
	}
}

// What is wanted counts the calls without a port, from the first second.
func TestWanted(t *testing.T) {
	t.Parallel()
	events := churn(10, 0.5)
	for i := range 30 {
		events = append(events, after(500*time.Millisecond+time.Duration(i)*10*time.Millisecond, with(event.ConnectFail, noPort)))
	}
	s := spaceOf(t, of(events...).Snapshot(begin.Add(time.Second)), snapshot.ConnectSpace, web)
	if s.OpenRate != 5 || s.Wanted != 35 {
		t.Errorf("%.1f opens/s, wanted %.1f/s", s.OpenRate, s.Wanted)
	}
}

func sortedByTime(events []event.Event) []event.Event {
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.Time - b.Time) })
	return events
}
