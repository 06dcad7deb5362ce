package aggregate

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// forever is how long a connection is open that is never closed.
const forever = time.Hour

// played is a load on a range of ports: opens at a steady rate, each for as long as lasts
// says, and no TIME_WAIT, so that what fills the range is how long they are open.
type played struct {
	ports     int
	perSecond int
	lasts     func(i int) time.Duration
}

// stream is its events up to a time, and when it finds no port for the first time, 0: not
// within the hour.
func (p played) stream(until time.Duration) (events []event.Event, full time.Duration) {
	events = []event.Event{ranged(40000, uint16(40000+p.ports-1)), known(shop, "shop")}
	free := make([]time.Duration, p.ports) // since when each port is
	for at := time.Duration(0); at < forever; at += time.Second / time.Duration(p.perSecond) {
		port := slices.IndexFunc(free, func(since time.Duration) bool { return since <= at })
		if port < 0 {
			full = at
			break
		}
		i := int(at * time.Duration(p.perSecond) / time.Second)
		free[port] = at + p.lasts(i)
		if at > until {
			continue
		}
		events = append(events, after(at, with(event.Open, from(uint16(40000+port)))))
		if free[port] <= until {
			events = append(events, after(free[port], with(event.Close, all(from(uint16(40000+port)), func(e *event.Event) {
				e.Duration = uint64(p.lasts(i))
			}))))
		}
	}
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.Time - b.Time) })
	return events, full
}

func TestLeakForecast(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	lifetimes := make([]time.Duration, 1<<18)
	for i := range lifetimes {
		lifetimes[i] = time.Duration(random.ExpFloat64() * float64(30*time.Second))
	}
	every := func(n int, kept, others time.Duration) func(int) time.Duration {
		return func(i int) time.Duration {
			if i%n == 0 {
				return kept
			}
			return others
		}
	}
	for name, c := range map[string]struct {
		load played
		seen []time.Duration // when the forecast is asked for
		off  float64         // it may be wrong by this share
	}{
		"most stay open":        {played{1000, 20, every(20, time.Millisecond, forever)}, []time.Duration{5 * time.Second, 11 * time.Second, 40 * time.Second}, 0.05},
		"one in ten stays open": {played{128, 30, every(10, forever, 5*time.Millisecond)}, []time.Duration{10 * time.Second, 25 * time.Second}, 0.1},
		"none ends":             {played{300, 10, every(1, forever, 0)}, []time.Duration{10 * time.Second}, 0.05},
		"long ones, too many":   {played{500, 20, func(i int) time.Duration { return lifetimes[i] }}, []time.Duration{10 * time.Second, 30 * time.Second}, 0.35},
		"long ones that fit":    {played{1000, 20, func(i int) time.Duration { return lifetimes[i] }}, []time.Duration{20 * time.Second, time.Minute, 10 * time.Minute}, 0},
		"all for five seconds":  {played{200, 20, every(1, 5*time.Second, 0)}, []time.Duration{20 * time.Second, time.Minute}, 0},
		"short ones and a pool": {played{400, 50, func(i int) time.Duration {
			return map[bool]time.Duration{true: forever, false: time.Millisecond}[i < 300]
		}}, []time.Duration{3 * time.Minute}, 0},
		"one in ten for a minute": {played{400, 30, every(10, time.Minute, time.Millisecond)}, []time.Duration{3 * time.Minute}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range c.seen {
				events, full := c.load.stream(at)
				f := spaceOf(t, of(events...).Snapshot(begin.Add(at)), snapshot.ConnectSpace, web).Forecast
				want := (full - at).Seconds()
				got := f.ETA.Seconds()
				switch {
				case !f.Known, f.Never != (full == 0):
					t.Errorf("after %s: %+v, it is full after %s", at, f, full)
				case full != 0 && (got < want*(1-c.off) || got > want*(1+c.off)):
					t.Errorf("after %s: in %.1f s, it is in %.1f s: %s", at, got, want, f.Model)
				}
			}
		})
	}
}

// A program that binds ports and never connects takes them from everybody.
func TestBoundForecast(t *testing.T) {
	t.Parallel()
	events := []event.Event{ranged(40000, 40255), known(shop, "shop"), with(event.Open, from(40255))}
	for i := range 120 {
		bind := with(event.Bind, from(uint16(40000+i)))
		bind.Dst = event.Endpoint{}
		events = append(events, after(time.Duration(i+10)*time.Second/10, bind))
	}
	s := spaceOf(t, of(events...).Snapshot(begin.Add(13*time.Second)), snapshot.ConnectSpace, web)
	if eta := s.Forecast.ETA.Seconds(); s.Bound != 120 || s.Forecast.Never || eta < 12.5 || eta > 14.5 {
		t.Errorf("%d bound, full in %.2f s, of 13.5: %+v", s.Bound, eta, s.Forecast)
	}
}
