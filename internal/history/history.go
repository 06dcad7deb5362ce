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
	seconds []snapshot.Second
	shared  int // how many of the first ones snapshots have: these must not change
}

// SecondOf returns the second of a moment.
func SecondOf(t event.Time) int64 { return int64(t) / int64(time.Second) }

// Seconds returns those in which something happened, in order. They are valid until the
// next Add.
func (h *History) Seconds() []snapshot.Second { return h.seconds }

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
		h.own(i - 1)
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
		h.seconds, h.shared = h.seconds[1:], max(h.shared-1, 0) // its room is used up once in as many seconds
	}
	h.own(i)
	h.seconds = slices.Insert(h.seconds, i, snapshot.Second{At: at, Point: p})
}

// own makes the seconds from i on its own.
func (h *History) own(i int) {
	if i < h.shared {
		h.seconds, h.shared = slices.Clone(h.seconds), 0
	}
}

// Share returns the last HistorySeconds whole seconds before a moment. They stay as they are.
func (h *History) Share(now event.Time) snapshot.History {
	next := SecondOf(now)
	for h.shared < len(h.seconds) && h.seconds[h.shared].At < next {
		h.shared++
	}
	return snapshot.NewHistory(h.seconds, next)
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
