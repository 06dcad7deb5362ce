package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// addTo adds the histories of the host.
func (f *fills) addTo(snap *snapshot.Snapshot) {
	snap.Worst, snap.Sockets = newest(f.worst), newest(f.sockets)
	if failed := f.exhausted.Seconds(); len(failed) > 0 {
		snap.Worst = slices.Clone(snap.Worst)
		eachFailure(failed, f.second, len(snap.Worst), func(i int, n uint32) { snap.Worst[i].Exhausted = n })
	}
}

// of returns the history of a space, nil if none is kept. failures are the calls that found no
// port.
func (f *fills) of(key fillKey, failures []snapshot.Second) []snapshot.FillPoint {
	one := f.byKey[key]
	if one == nil {
		return nil
	}
	points := newest(one.points)
	if len(failures) > 0 {
		points = slices.Clone(points)
		eachFailure(failures, f.second, len(points), func(i int, n uint32) { points[i].Exhausted = n })
	}
	return points
}

// eachFailure calls set with the index of each of the last points in whose second calls failed.
// next is the second after the last point.
func eachFailure(seconds []snapshot.Second, next int64, points int, set func(i int, n uint32)) {
	for _, s := range seconds {
		if i := s.At - next + int64(points); i >= 0 && i < int64(points) && s.Failures > 0 {
			set(int(i), s.Failures)
		}
	}
}

func (r *spaceRow) fillKey() fillKey { return fillKey{r.id, r.udp != nil} }

// failures returns in which seconds calls found no port.
func (r *spaceRow) failures() []snapshot.Second {
	switch {
	case r.Exhausted == 0:
		return nil
	case r.udp != nil:
		return r.udp.failures.Seconds()
	}
	return r.flow.History.Seconds()
}
