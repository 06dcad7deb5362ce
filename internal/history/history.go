// Package history counts what happened in each of the last seconds of the stream.
package history

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// History keeps the last snapshot.HistorySeconds. Only seconds in which something happened
// take memory: most rows are a program that connects once. A nil History keeps nothing.
type History struct {
	seconds []Second
}

// Second is what happened in one second.
type Second struct {
	At int64 // whole seconds of stream time
	snapshot.Point
}

// SecondOf returns the second of a moment.
func SecondOf(t event.Time) int64 { return int64(t) / int64(time.Second) }

// Seconds returns those in which something happened, in order. They are valid until the
// next Add.
func (h *History) Seconds() []Second { return h.seconds }

// Add counts what happened at t, unless that is long ago.
func (h *History) Add(t event.Time, p snapshot.Point) {
	if h != nil {
		h.addSecond(SecondOf(t), p)
	}
}

// AddSpan counts what happened between two moments, evenly over their seconds: a sum that comes
// once a second would otherwise leave a second out now and then, and count another twice.
func (h *History) AddSpan(first, last event.Time, p snapshot.Point) {
	seconds := SecondOf(last) - SecondOf(first)
	if h == nil || p == (snapshot.Point{}) {
		return
	}
	if first <= 0 || seconds < 1 || seconds >= snapshot.HistorySeconds {
		h.Add(last, p)
		return
	}
	left := p
	for at := SecondOf(first); at < SecondOf(last); at++ {
		begin, end := max(first, event.Time(at*int64(time.Second))), event.Time((at+1)*int64(time.Second))
		share := end.Sub(begin).Seconds() / last.Sub(first).Seconds()
		part := snapshot.Point{
			Opens: uint32(share * float64(p.Opens)), Closes: uint32(share * float64(p.Closes)), Failures: uint32(share * float64(p.Failures)),
		}
		left.Opens, left.Closes, left.Failures = left.Opens-part.Opens, left.Closes-part.Closes, left.Failures-part.Failures
		h.addSecond(at, part)
	}
	h.Add(last, left)
}

func (h *History) addSecond(at int64, p snapshot.Point) {
	i := len(h.seconds)
	for i > 0 && h.seconds[i-1].At > at {
		i--
	}
	if i > 0 && h.seconds[i-1].At == at {
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
		h.seconds[i] = Second{at, p}
		return
	}
	h.seconds = slices.Insert(h.seconds, i, Second{at, p})
}

// Merge adds the counts of another History.
func (h *History) Merge(o *History) {
	if h == nil || o == nil {
		return
	}
	for _, s := range o.seconds {
		h.addSecond(s.At, s.Point)
	}
}

// Rates returns counts per second over the last RateWindow, or since the start if that is
// more recent.
func (h *History) Rates(started, now event.Time) snapshot.Rates {
	from := SecondOf(now) - int64(snapshot.RateWindow/time.Second) + 1
	var sum snapshot.Point
	for i := len(h.seconds) - 1; i >= 0 && h.seconds[i].At >= from; i-- {
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

// Points returns the last HistorySeconds whole seconds, newest last. They begin when
// something happened first: most rows are short.
func (h *History) Points(now event.Time) []snapshot.Point {
	last := SecondOf(now) - 1
	first := last - snapshot.HistorySeconds + 1
	from := slices.IndexFunc(h.seconds, func(s Second) bool { return s.At >= first })
	if from < 0 || h.seconds[from].At > last {
		return nil
	}
	first = h.seconds[from].At
	points := make([]snapshot.Point, last-first+1)
	for _, s := range h.seconds[from:] {
		if s.At <= last {
			points[s.At-first] = s.Point
		}
	}
	return points
}
