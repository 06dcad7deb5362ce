package aggregate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// noticedPercent is how much of a space must be in use for its history to be kept: less
	// says nothing, and there can be 100,000 spaces.
	noticedPercent = 5
	// maxFills is of how many spaces it is kept: 2.9 KB each.
	maxFills = 128
)

// fillKey identifies a port space. Of a bind space no remote end is known.
type fillKey struct {
	flowID
	udp bool
}

func compareFillKeys(a, b fillKey) int {
	return cmp.Or(compareFlow(a.flowID, b.flowID), compareBool(a.udp, b.udp))
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

// fills is how full port spaces were at the end of each of the last seconds. It has a point for
// each second up to the one that is not over, so that a point needs no time.
type fills struct {
	second  int64 // the first that is not over; 0: the stream has not begun
	byKey   map[fillKey]*fill
	worst   []snapshot.WorstPoint
	sockets []snapshot.SocketPoint
	// exhausted counts the calls of selected processes that found no port.
	exhausted history.History
}

// fill is the history of one space.
type fill struct {
	points  []snapshot.FillPoint
	noticed int64 // the last second in which the space was noticeable
	failed  int64 // the last second in which calls found no port; 0: none
}

// secondEnd is what was measured at the end of a second.
type secondEnd struct {
	// points has the spaces that are noticeable, and those whose history is kept.
	points  map[fillKey]snapshot.FillPoint
	failing map[fillKey]bool // calls found no port in that second
	worst   snapshot.WorstPoint
	sockets snapshot.SocketPoint
}

func newFills() fills { return fills{byKey: map[fillKey]*fill{}} }

// clone returns a copy that can go on by itself.
func (f *fills) clone() *fills {
	c := *f
	c.byKey = make(map[fillKey]*fill, len(f.byKey))
	for key, one := range f.byKey {
		c.byKey[key] = &fill{points: slices.Clip(one.points), noticed: one.noticed, failed: one.failed}
	}
	c.worst, c.sockets = slices.Clip(c.worst), slices.Clip(c.sockets)
	return &c
}

// add takes what was measured at the end of a second, and counts on from the next.
func (f *fills) add(end *secondEnd) {
	f.worst = appendPoint(f.worst, end.worst)
	f.sockets = appendPoint(f.sockets, end.sockets)
	for key, one := range f.byKey {
		one.add(end.points[key], end.failing[key], f.second)
		if f.second-one.noticed >= snapshot.HistorySeconds {
			delete(f.byKey, key)
		}
	}
	for _, key := range f.newcomers(end) {
		one := &fill{}
		one.add(end.points[key], end.failing[key], f.second)
		if len(f.byKey) < maxFills || f.makeRoom(one) {
			f.byKey[key] = one
		}
	}
	f.second++
}

func (one *fill) add(p snapshot.FillPoint, failing bool, second int64) {
	one.points = appendPoint(one.points, p)
	if failing {
		one.failed = second
	}
	if failing || isNoticeable(int(p.InUse), int(p.Capacity)) {
		one.noticed = second
	}
}

func isNoticeable(inUse, capacity int) bool {
	return capacity > 0 && inUse*100 >= capacity*noticedPercent
}

// newcomers returns the noticeable spaces whose history is not kept yet, the most important first.
func (f *fills) newcomers(end *secondEnd) []fillKey {
	var keys []fillKey
	for key, p := range end.points {
		if f.byKey[key] == nil && (end.failing[key] || isNoticeable(int(p.InUse), int(p.Capacity))) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b fillKey) int {
		return cmp.Or(compareBool(end.failing[b], end.failing[a]), cmp.Compare(end.points[b].InUseShare(), end.points[a].InUseShare()),
			compareFillKeys(a, b))
	})
	return keys
}

// makeRoom drops the least important history, if that is less important than another one.
func (f *fills) makeRoom(than *fill) bool {
	least := slices.MinFunc(slices.Collect(maps.Keys(f.byKey)), func(a, b fillKey) int {
		one, other := f.byKey[a], f.byKey[b]
		return cmp.Or(cmp.Compare(one.rank(), other.rank()), cmp.Compare(one.noticed, other.noticed), compareFillKeys(a, b))
	})
	if f.byKey[least].rank() >= than.rank() {
		return false
	}
	delete(f.byKey, least)
	return true
}

// rank says for how long a history is worth its place, as that of a flow does.
func (one *fill) rank() flowRank {
	last := &one.points[len(one.points)-1]
	o := event.Occupancy{Capacity: int(last.Capacity), Live: int(last.InUse)}
	switch {
	case one.failed > 0:
		return rankFailed
	case o.IsNearlyFull():
		return rankFilling
	case isNoticeable(o.Live, o.Capacity):
		return rankUsed
	}
	return rankQuiet
}

// forgetNetns drops the spaces of a namespace: another one has its inode.
func (f *fills) forgetNetns(inode uint32) {
	maps.DeleteFunc(f.byKey, func(key fillKey, _ *fill) bool { return key.Netns == inode })
}

// forgetGap marks what is not known because a part of the stream is missing.
func (f *fills) forgetGap(gap *event.Gap) {
	from := history.SecondOf(gap.Begin)
	to := max(from, history.SecondOf(gap.End))
	if gap.End == 0 {
		to = f.second
	}
	f.worst = withoutSeconds(f.worst, f.second, from, to)
	f.sockets = withoutSeconds(f.sockets, f.second, from, to)
	for _, one := range f.byKey {
		one.points = withoutSeconds(one.points, f.second, from, to)
	}
}

// withoutSeconds returns the points, the last of which is of the second before next, without
// those of some seconds. Snapshots have the points, too: it changes a copy.
func withoutSeconds[P any](points []P, next, from, to int64) []P {
	first := next - int64(len(points))
	i, j := max(from-first, 0), min(to-first+1, int64(len(points)))
	if i >= j {
		return points
	}
	points = slices.Clone(points)
	clear(points[i:j])
	return points
}

// appendPoint appends a point. It never changes one that was there: snapshots share them.
func appendPoint[P any](points []P, p P) []P {
	const most = 2 * snapshot.HistorySeconds
	if len(points) == cap(points) && len(points) >= snapshot.HistorySeconds {
		kept := make([]P, snapshot.HistorySeconds-1, most)
		copy(kept, newest(points)[1:])
		points = kept
	}
	return append(points, p)
}

// newest returns the points that a snapshot shows.
func newest[P any](points []P) []P {
	return slices.Clip(points[max(len(points)-snapshot.HistorySeconds, 0):])
}
