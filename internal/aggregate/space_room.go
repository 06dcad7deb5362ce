package aggregate

import "sync"

// spaceRoom is what the port spaces of a snapshot are made in. A snapshot of a thousand takes 2 MB
// of it, which the next one uses again: made for each, it would be most of the garbage of a
// host on which nothing happens.
type spaceRoom struct {
	rows  []*spaceRow
	plots []*portPlot
}

// spareRoom is the one that is not in use, which stays: a sync.Pool would lose it with every second
// collection, and a storm has one in the time of a snapshot. It is not a part of a State, whose copies
// would have one each.
var spareRoom struct {
	mu   sync.Mutex
	room *spaceRoom // nil: it is in use, or none was needed yet
}

// takeRoom returns the spare room, or another one while that is in use.
func takeRoom() *spaceRoom {
	spareRoom.mu.Lock()
	defer spareRoom.mu.Unlock()
	room := spareRoom.room
	if spareRoom.room = nil; room == nil {
		room = &spaceRoom{}
	}
	return room
}

// giveBack makes it the spare one, with the rows that were in use: those of a storm that is over go.
func (r *spaceRoom) giveBack() {
	spareRoom.mu.Lock()
	defer spareRoom.mu.Unlock()
	spareRoom.room = r
}

// newPlot returns a plot of a range, of which nothing is known.
func (r *spaceRoom) newPlot(size int) *portPlot {
	p := &portPlot{}
	if last := len(r.plots) - 1; last >= 0 {
		p, r.plots = r.plots[last], r.plots[:last]
	}
	if min(cap(p.classes), cap(p.holders)) < size { // one that has grown has not the same room for both
		p.classes, p.holders = make([]portClass, size), make([]int32, size)
		return p
	}
	p.classes, p.holders = p.classes[:size], p.holders[:size]
	clear(p.classes)
	clear(p.holders)
	return p
}

// end gives the room back. The rows must not be used any more.
func (b *spaceRows) end() {
	room := b.room
	b.room = nil
	room.rows = b.rows
	for _, row := range room.rows {
		*row = spaceRow{} // they refer to the snapshot
	}
	for _, plot := range b.plots {
		if len(room.plots) < maxSparePlots {
			room.plots = append(room.plots, plot)
		}
	}
	if b.plot != nil {
		room.plots = append(room.plots, b.plot)
	}
	room.giveBack()
}

// maxSparePlots bounds those of namespaces, which take up to 300 KB each.
const maxSparePlots = 2
