package aggregate

import (
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

// at is the second that holds t, made when it is missing.
func (h *history) at(t event.Time) *snapshot.Point {
	at := secondOf(t)
	i := len(h.seconds)
	for i > 0 && h.seconds[i-1].at > at {
		i--
	}
	if i > 0 && h.seconds[i-1].at == at {
		return &h.seconds[i-1].Point
	}
	h.seconds = append(h.seconds, second{})
	copy(h.seconds[i+1:], h.seconds[i:])
	h.seconds[i] = second{at: at}
	if len(h.seconds) > snapshot.HistorySeconds {
		h.seconds = append(h.seconds[:0], h.seconds[1:]...)
		i = max(i-1, 0)
	}
	return &h.seconds[i].Point
}

func (h *history) merge(o *history) {
	for _, s := range o.seconds {
		p := h.at(event.Time(s.at * int64(time.Second)))
		p.Opens += s.Opens
		p.Closes += s.Closes
		p.Failures += s.Failures
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

// points are the whole seconds from the start, at most HistorySeconds, newest last.
func (h *history) points(started, now event.Time) []snapshot.Point {
	last := secondOf(now) - 1
	first := max(last-snapshot.HistorySeconds+1, secondOf(started))
	if last < first {
		return nil
	}
	points := make([]snapshot.Point, last-first+1)
	for _, s := range h.seconds {
		if s.at >= first && s.at <= last {
			points[s.at-first] = s.Point
		}
	}
	return points
}
