package metrics

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// idleAfter is for how long a row must have been idle to lose its place to any other that is not.
	idleAfter = 5 * time.Minute
	// displaces is how many times as much in use a row must have to take the place of another.
	displaces = 2
)

// places are the rows that are listed by themselves, limit of them at most. A row keeps its place as long
// as it can, so that its series do not come and go: see docs/metrics.md.
type places[K comparable, R any] struct {
	limit  int
	margin float64 // what displaces means nothing below
	// key identifies a row from one snapshot to the next; fill says how much of it is in use; strip
	// returns what is shown of a row that exists no more.
	key   func(*R) K
	fill  func(r *R, before event.SpaceState) fill
	strip func(*R) R

	listed map[K]*place[R]
	made   uint64
}

// fill is how much of a row is in use.
type fill struct {
	idle  bool // nothing
	state event.SpaceState
	share float64
}

// place is a row that is listed.
type place[R any] struct {
	row   *R // of the newest snapshot, or stripped
	bare  *R // the row, stripped, of a place that is taken
	there bool
	fill
	idleSince event.Time // 0: it is not idle
	number    uint64     // of those that are listed the newest yields first
}

// choose takes the rows of the next snapshot. It returns those to list and the others. whole says that the
// rows are all there are.
func (p *places[K, R]) choose(rows []R, at event.Time, whole bool) (listed, rest []*R) {
	waiting := p.follow(rows, at, whole)
	slices.SortStableFunc(waiting, func(a, b *place[R]) int { return compareFill(b, a) })
	leaving := p.byFill(at)
	for i, w := range waiting {
		if len(p.listed) >= p.limit {
			if len(leaving) == 0 || !p.yields(leaving[0], w, at) {
				rest = append(rest, rowsOf(waiting[i:])...)
				break
			}
			if leaving[0].there {
				rest = append(rest, leaving[0].row)
			}
			delete(p.listed, p.key(leaving[0].row))
			leaving = leaving[1:]
		}
		p.made++
		bare := p.strip(w.row)
		w.number, w.bare = p.made, &bare
		p.listed[p.key(w.row)] = w
	}
	for _, place := range p.listed {
		listed = append(listed, place.row)
	}
	return listed, rest
}

// follow finds the listed rows again, drops those that have been gone for long, and returns the others that
// would be listed if there were room.
func (p *places[K, R]) follow(rows []R, at event.Time, whole bool) (waiting []*place[R]) {
	for _, place := range p.listed {
		place.there = false
	}
	seen := make(map[K]bool, len(rows))
	for i := range rows {
		row := &rows[i]
		key := p.key(row)
		if seen[key] {
			continue
		}
		seen[key] = true
		if place := p.listed[key]; place != nil {
			place.row, place.there, place.fill = row, true, p.fill(row, place.state)
			*place.bare = p.strip(row)
			place.noteIdle(at)
			continue
		}
		w := &place[R]{row: row, there: true, fill: p.fill(row, event.SpaceOK)}
		w.noteIdle(at)
		waiting = append(waiting, w)
	}
	for key, place := range p.listed {
		if place.there {
			continue
		}
		place.row, place.fill = place.bare, fill{idle: true}
		place.noteIdle(at)
		if !whole || at.Sub(place.idleSince) >= idleAfter {
			delete(p.listed, key)
		}
	}
	return waiting
}

func (p *place[R]) noteIdle(at event.Time) {
	switch {
	case !p.idle:
		p.idleSince = 0
	case p.idleSince == 0:
		p.idleSince = at
	}
}

// isIdle reports whether it has been idle for so long that any other may take its place.
func (p *place[R]) isIdle(at event.Time) bool { return p.idle && at.Sub(p.idleSince) >= idleAfter }

// byFill returns the places, those first that yield first.
func (p *places[K, R]) byFill(at event.Time) []*place[R] {
	list := make([]*place[R], 0, len(p.listed))
	for _, place := range p.listed {
		list = append(list, place)
	}
	slices.SortFunc(list, func(a, b *place[R]) int {
		if order := compareBool(b.isIdle(at), a.isIdle(at)); order != 0 {
			return order
		}
		return cmp.Or(compareFill(a, b), cmp.Compare(b.number, a.number))
	})
	return list
}

// yields reports whether a listed row makes room for one that is not.
func (p *places[K, R]) yields(listed, waiting *place[R], at event.Time) bool {
	switch {
	case waiting.idle:
		return false
	case listed.isIdle(at):
		return true
	case waiting.state != listed.state:
		return waiting.state > listed.state
	}
	return waiting.share > displaces*listed.share+p.margin
}

func compareFill[R any](a, b *place[R]) int {
	return cmp.Or(compareBool(!a.idle, !b.idle), cmp.Compare(a.state, b.state), cmp.Compare(a.share, b.share))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func rowsOf[R any](list []*place[R]) []*R {
	rows := make([]*R, len(list))
	for i := range list {
		rows[i] = list[i].row
	}
	return rows
}
