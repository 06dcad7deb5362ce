package playback

import (
	"cmp"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Fill is how full a port space was in a Stretch of a Timeline.
type Fill struct {
	Begin, End event.Time
	Capacity   int // 0: it is not known how full it was
	InUse      int
	Reusable   int // of InUse: free in effect, as of event.Occupancy
}

// Known reports whether it is known how full the space was.
func (f *Fill) Known() bool { return f.Capacity > 0 }

// TakenShare returns the share that the next call could not have had, 0 if that is not known.
func (f *Fill) TakenShare() float64 {
	if f.Capacity == 0 {
		return 0
	}
	return float64(max(f.InUse-f.Reusable, 0)) / float64(f.Capacity)
}

// FillOf returns how full a port space was in each Stretch; nil if it never was noticeably, or
// if that is not known.
func (t *Timeline) FillOf(id snapshot.SpaceID) []Fill {
	c := t.fills[id]
	if c == nil {
		return nil
	}
	list := make([]Fill, len(t.Stretches))
	for i := range list {
		list[i] = Fill{Begin: t.Stretches[i].Begin, End: t.Stretches[i].End}
		if at := i - c.first; at >= 0 && at < len(c.levels) {
			l := &c.levels[at]
			list[i].Capacity, list[i].InUse, list[i].Reusable = int(l.capacity), int(l.inUse), int(l.reusable)
		}
	}
	return list
}

// FilledSpaces returns the spaces of which FillOf knows something, those that were fullest
// first.
func (t *Timeline) FilledSpaces() []snapshot.SpaceID {
	return slices.SortedFunc(maps.Keys(t.fills), func(a, b snapshot.SpaceID) int {
		return cmp.Or(cmp.Compare(t.fills[b].peak, t.fills[a].peak), a.Compare(b))
	})
}

// Fills collects how full port spaces were, stretch by stretch. The zero value is ready.
type Fills struct {
	curves map[snapshot.SpaceID]*curve
	floor  float64 // at most the least peak of the curves
}

// curve is how full a space was from a stretch on.
type curve struct {
	first  int
	levels []level
	peak   float64 // the highest share
}

// level is the fill in one stretch. The zero value is not known: no range has no ports. None has
// more than 65,535.
type level struct{ capacity, inUse, reusable uint16 }

const (
	// maxCurves spaces are followed, those that were fullest: with MaxStretches levels of 6 bytes
	// they take 6 MB at most.
	maxCurves = 500
	// noticeable is the share from which on a curve is worth keeping.
	noticeable = 0.03
)

// Add takes how full a space was in a stretch. Of several levels in a stretch the highest
// counts. Stretches must come in order.
func (f *Fills) Add(stretch int, id snapshot.SpaceID, o *event.Occupancy) {
	if o.Capacity <= 0 {
		return
	}
	c := f.curves[id]
	if c == nil {
		if c = f.create(stretch, o.TakenShare()); c == nil {
			return
		}
		f.curves[id] = c
	}
	for c.first+len(c.levels) <= stretch {
		c.levels = append(c.levels, level{})
	}
	c.peak = max(c.peak, o.TakenShare())
	if now := &c.levels[stretch-c.first]; o.Taken() >= now.taken() {
		*now = level{ports(o.Capacity), ports(o.InUse()), ports(o.Reusable)}
	}
}

func (l *level) taken() int { return int(l.inUse) - int(l.reusable) }

func ports(n int) uint16 { return uint16(min(max(n, 0), 1<<16-1)) }

// create returns a new curve, nil if there is no room: all others were fuller.
func (f *Fills) create(stretch int, share float64) *curve {
	if f.curves == nil {
		f.curves = map[snapshot.SpaceID]*curve{}
	}
	if len(f.curves) >= maxCurves && !f.makeRoom(share) {
		return nil
	}
	return &curve{first: stretch}
}

// makeRoom gives up the curve that was least filled, if that was less than the share.
func (f *Fills) makeRoom(share float64) bool {
	if share <= f.floor {
		return false
	}
	least := slices.MinFunc(slices.Collect(maps.Keys(f.curves)), func(a, b snapshot.SpaceID) int {
		return cmp.Or(cmp.Compare(f.curves[a].peak, f.curves[b].peak), a.Compare(b))
	})
	if f.floor = f.curves[least].peak; share <= f.floor {
		return false
	}
	delete(f.curves, least)
	return true
}

// Complete gives the timeline the curves of those spaces that were noticeably filled.
func (f *Fills) Complete(t *Timeline) {
	maps.DeleteFunc(f.curves, func(_ snapshot.SpaceID, c *curve) bool { return c.peak < noticeable })
	t.fills = f.curves
}
