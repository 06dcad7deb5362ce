package aggregate

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// history is what happened in each of the last seconds. Only seconds in which
// something did are kept: most rows are a program that connects once.
type history struct {
	seconds []second
}

type second struct {
	at int64 // whole seconds of stream time
	snapshot.Point
}

func secondOf(t event.Time) int64 { return int64(t) / int64(time.Second) }

// add counts what happened at t, unless that is long ago.
func (h *history) add(t event.Time, p snapshot.Point) {
	if h != nil {
		h.addSecond(secondOf(t), p)
	}
}

func (h *history) addSecond(at int64, p snapshot.Point) {
	i := len(h.seconds)
	for i > 0 && h.seconds[i-1].at > at {
		i--
	}
	if i > 0 && h.seconds[i-1].at == at {
		had := &h.seconds[i-1]
		had.Opens += p.Opens
		had.Closes += p.Closes
		had.Failures += p.Failures
		return
	}
	if len(h.seconds) >= snapshot.HistorySeconds {
		if i == 0 {
			return
		}
		i--
		copy(h.seconds[:i], h.seconds[1:])
		h.seconds[i] = second{at, p}
		return
	}
	h.seconds = slices.Insert(h.seconds, i, second{at, p})
}

func (h *history) merge(o *history) {
	if h == nil || o == nil {
		return
	}
	for _, s := range o.seconds {
		h.addSecond(s.at, s.Point)
	}
}

// rates are per second over the last RateWindow, or since the start where that is
// more recent.
func (h *history) rates(started, now event.Time) snapshot.Rates {
	from := secondOf(now) - int64(snapshot.RateWindow/time.Second) + 1
	var sum snapshot.Point
	for i := len(h.seconds) - 1; i >= 0 && h.seconds[i].at >= from; i-- {
		sum.Opens += h.seconds[i].Opens
		sum.Closes += h.seconds[i].Closes
		sum.Failures += h.seconds[i].Failures
	}
	begin := max(event.Time(from*int64(time.Second)), started)
	// Less than a second says little about a rate.
	span := max(now.Sub(begin), time.Second).Seconds()
	return snapshot.Rates{
		Opens:    float64(sum.Opens) / span,
		Closes:   float64(sum.Closes) / span,
		Failures: float64(sum.Failures) / span,
	}
}

// points are the last HistorySeconds whole seconds, newest last. They begin when
// something happened first: most rows are short.
func (h *history) points(now event.Time) []snapshot.Point {
	last := secondOf(now) - 1
	first := last - snapshot.HistorySeconds + 1
	from := slices.IndexFunc(h.seconds, func(s second) bool { return s.at >= first })
	if from < 0 || h.seconds[from].at > last {
		return nil
	}
	first = h.seconds[from].at
	points := make([]snapshot.Point, last-first+1)
	for _, s := range h.seconds[from:] {
		if s.at <= last {
			points[s.at-first] = s.Point
		}
	}
	return points
}
