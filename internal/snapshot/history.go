package snapshot

// Point is what happened in one second.
type Point struct {
	Opens    uint32
	Closes   uint32
	Failures uint32
}

// Second is a second of the stream and what happened in it.
type Second struct {
	At int64 // whole seconds of stream time
	Point
}

// History is what happened in each of the last HistorySeconds whole seconds before a snapshot.
// Only seconds in which something happened take memory, and snapshots share it: most rows of a
// host are of what was busy for a second.
type History struct {
	seconds []Second // in order
	next    int64    // the second after the last whole one
}

// NewHistory returns the history before a second. The seconds must be in order, and they must not
// change any more.
func NewHistory(seconds []Second, next int64) History {
	for len(seconds) > 0 && seconds[0].At < next-HistorySeconds {
		seconds = seconds[1:]
	}
	for len(seconds) > 0 && seconds[len(seconds)-1].At >= next {
		seconds = seconds[:len(seconds)-1]
	}
	if len(seconds) == 0 {
		return History{}
	}
	return History{seconds[:len(seconds):len(seconds)], next}
}

// HistoryOf returns the history with these points, newest last.
func HistoryOf(points ...Point) History {
	seconds := make([]Second, len(points))
	for i, p := range points {
		seconds[i] = Second{int64(i), p}
	}
	return NewHistory(seconds, int64(len(points)))
}

// Len returns the number of Points.
func (h History) Len() int {
	if len(h.seconds) == 0 {
		return 0
	}
	return int(h.next - h.seconds[0].At)
}

// Points returns all seconds, newest last, from the first in which something happened; nil without
// any.
func (h History) Points() []Point {
	if len(h.seconds) == 0 {
		return nil
	}
	points := make([]Point, h.Len())
	for _, s := range h.seconds {
		points[s.At-h.seconds[0].At] = s.Point
	}
	return points
}

// plus returns the sum of histories that end with the same second, as all of a snapshot do.
func (h History) plus(more History) History {
	if h.Len() < more.Len() {
		h, more = more, h
	}
	sum := HistoryOf(h.Points()...)
	sum.add(more)
	return sum
}

// add adds a history that is not longer. It changes the memory of h, which must have every second.
func (h *History) add(more History) {
	for _, s := range more.seconds {
		at := &h.seconds[len(h.seconds)-int(more.next-s.At)]
		at.Opens += s.Opens
		at.Closes += s.Closes
		at.Failures += s.Failures
	}
}
