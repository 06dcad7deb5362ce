package aggregate

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kerneltest/figures"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	simulatedLoads = 200
	watchedFor     = 4 * time.Minute  // from the start, a sample each second until a port is missing
	neverMeans     = 10 * time.Minute // for that long after it was said
	simulatedFor   = watchedFor + neverMeans
)

// judged is a forecast and what came of it.
type judged struct {
	at   time.Duration
	row  snapshot.PortSpace
	full time.Duration // when the first call found no port, 0: none did
}

// holds reports whether the interval has the true moment in it. A row is shown in whole
// seconds.
func (j *judged) holds() bool {
	f := &j.row.Forecast
	in := j.full - j.at
	switch {
	case f.Never && f.Low < 0:
		return j.full == 0 || in > neverMeans
	case j.full == 0:
		return f.High < 0 || j.at+f.High >= simulatedFor
	}
	return in >= f.Low.Truncate(time.Second) && (f.High < 0 || in <= f.High+time.Second)
}

// count adds what came of a forecast.
func count(c *figures.Forecast, j *judged) {
	f := &j.row.Forecast
	switch {
	case !f.Known:
		c.Silent++
		return
	case j.holds():
		c.Held++
	default:
		c.Missed++
	}
	if !f.Never && f.High >= 0 {
		c.Both++
		if !j.holds() {
			c.BothMissed++
		}
	}
	if f.Never && f.Low < 0 {
		c.Never++
		if j.full != 0 && j.full-j.at <= neverMeans {
			c.False++
		}
	}
}

// truth returns when the first call finds no port, 0: none does.
func (l *forecastLoad) truth(seed uint64, ports int, endless bool) (first time.Duration) {
	k := newSimulated(seed, ports)
	k.failed = func(_ event.Endpoint, at time.Duration) { first = cmp.Or(first, at) }
	l.load(k, endless)
	for at := time.Second; at <= simulatedFor && first == 0; at += time.Second {
		k.runTo(at)
	}
	return first
}

// sampled returns the moments for which the forecasts are judged: each second at first, when
// they are least sure.
func sampled() (list []time.Duration) {
	for at := time.Second; at <= watchedFor; at += time.Second {
		if at <= 20*time.Second || at%(4*time.Second) == 0 {
			list = append(list, at)
		}
	}
	return list
}

// play makes a load and judges the forecasts of its spaces. While its owner has not ended the
// truth is what comes if it goes on: nothing else can be known.
func (l *forecastLoad) play(seed uint64) (list []judged) {
	ports := 100 + int(seed*37%900)
	end, endless := l.truth(seed, ports, false), time.Duration(0)
	k := newSimulated(seed, ports)
	l.load(k, false)
	if k.ends != 0 {
		endless = l.truth(seed, ports, true)
	}
	s := of(k.facts()...)
	k.emit = func(e event.Event) { s.Add([]event.Event{e}) }
	failed := false
	k.failed = func(event.Endpoint, time.Duration) { failed = true }
	for _, at := range sampled() {
		k.runTo(at)
		if failed {
			break
		}
		full := end
		if at < k.ends {
			full = endless
		}
		for _, row := range s.Snapshot(begin.Add(at)).PortSpaces {
			if row.Kind == snapshot.ConnectSpace && !row.IsFull() {
				list = append(list, judged{at, row, full})
				break // the destinations of an early binder run out together
			}
		}
	}
	return list
}

// The intervals of forecasts have the true moment in them, for random loads on a simulated
// namespace, and what is called never does not come. The figures go into docs/accuracy.md.
func TestForecastHolds(t *testing.T) {
	t.Parallel()
	all := figures.Forecast{Load: "all", Where: "simulated"}
	for i := range forecastLoads {
		l := &forecastLoads[i]
		c := figures.Forecast{Load: l.name, Where: "simulated"}
		for seed := uint64(i); seed < simulatedLoads; seed += uint64(len(forecastLoads)) {
			list, missed := l.play(seed), c.Missed
			for j := range list {
				count(&c, &list[j])
			}
			c.Loads++
			if c.Missed > missed {
				t.Logf("%s, seed %d: %d missed; %s", l.name, seed, c.Missed-missed, firstMissed(list))
			}
		}
		t.Log(c)
		if c.False > 0 || c.Held < 3*c.Missed {
			t.Errorf("%+v", c)
		}
		all.Loads, all.Silent, all.Held = all.Loads+c.Loads, all.Silent+c.Silent, all.Held+c.Held
		all.BothMissed += c.BothMissed
		all.Missed, all.Both, all.Never, all.False = all.Missed+c.Missed, all.Both+c.Both, all.Never+c.Never, all.False+c.False
	}
	t.Log(all)
	if all.Loads != simulatedLoads || all.Held < 9*all.Missed {
		t.Errorf("less than 90 %% held: %+v", all)
	}
}

func firstMissed(list []judged) string {
	for i := range list {
		j := &list[i]
		if f := &j.row.Forecast; f.Known && !j.holds() {
			return fmt.Sprintf("at %s: never %v eta %.1f [%.1f %.1f], true %.1f; %d/%d %s", j.at, f.Never, f.ETA.Seconds(), f.Low.Seconds(), f.High.Seconds(), (j.full - j.at).Seconds(), j.row.Taken(), j.row.Capacity, f.Model)
		}
	}
	return ""
}
