package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// maxSamples bounds a Series: a chart is not wider. Of a longer stream two are made one, again
	// and again.
	maxSamples = 400
	// sampleSpaces and sampleOwners bound what a sample has, those with most.
	sampleSpaces = 32
	sampleOwners = 16
)

// Series is how a stream went from its beginning to its end, for the charts of a report. The zero
// value is ready.
type Series struct {
	samples []sample
	begun   time.Time
	last    mark
	names   map[snapshot.SpaceID]string
	owners  map[snapshot.ProgramKey]string
	merge   int // how many snapshots become one sample, at least
	merged  int // how many the last sample has
}

// mark is what a snapshot has counted.
type mark struct {
	second          int64
	wall            time.Time
	opens, failures uint64
}

// sample is what happened between two moments. Its levels are the highest of that time.
type sample struct {
	begin, end time.Time
	opens      uint64
	failures   uint64
	spaces     map[snapshot.SpaceID]snapshot.FillPoint
	timeWait   map[snapshot.ProgramKey]int64
	missing    bool // a part of this time is not in the recording
}

// Add takes the next snapshot of a stream.
func (s *Series) Add(now *snapshot.Snapshot) {
	if s.begun.IsZero() {
		s.begun, s.merge = now.Started, 1
		s.last.wall = now.Started
		s.last.second = int64(now.At/1e9) - int64(now.Elapsed.Seconds())
		s.names, s.owners = map[snapshot.SpaceID]string{}, map[snapshot.ProgramKey]string{}
	}
	next := mark{int64(now.At / 1e9), now.Wall, now.Totals.Opens, now.Totals.Failed()}
	if !next.wall.After(s.last.wall) {
		return
	}
	taken := sample{
		begin: s.last.wall, end: next.wall, opens: grown(s.last.opens, next.opens), failures: grown(s.last.failures, next.failures),
		spaces: s.fills(now, int(next.second-s.last.second)), timeWait: s.timeWait(now),
	}
	s.last = next
	if len(s.samples) > 0 && s.merged < s.merge {
		s.samples[len(s.samples)-1].join(&taken)
		s.merged++
		return
	}
	if len(s.samples) == maxSamples {
		s.halve()
	}
	s.samples, s.merged = append(s.samples, taken), 1
}

// grown returns by how much a count has grown, 0 if it is lower.
func grown(before, now uint64) uint64 { return max(now, before) - before }

// halve makes one sample of each two.
func (s *Series) halve() {
	for i := 0; i < len(s.samples); i += 2 {
		if i+1 < len(s.samples) {
			s.samples[i].join(&s.samples[i+1])
		}
		s.samples[i/2] = s.samples[i]
	}
	clear(s.samples[(len(s.samples)+1)/2:])
	s.samples = s.samples[:(len(s.samples)+1)/2]
	s.merge *= 2
}

// join adds what happened next.
func (a *sample) join(b *sample) {
	a.end = b.end
	a.opens += b.opens
	a.failures += b.failures
	for id, p := range b.spaces {
		a.spaces[id] = fuller(a.spaces[id], p)
	}
	for key, n := range b.timeWait {
		a.timeWait[key] = max(a.timeWait[key], n)
	}
	keepFullest(a.spaces, sampleSpaces)
	keepLongest(a.timeWait, sampleOwners)
}

// fuller returns the fuller of two seconds, with the failures of both.
func fuller(a, b snapshot.FillPoint) snapshot.FillPoint {
	exhausted := a.Exhausted + b.Exhausted
	if b.TakenShare() >= a.TakenShare() {
		a = b
	}
	a.Exhausted = exhausted
	return a
}

// fills returns how full port spaces were in the last seconds.
func (s *Series) fills(now *snapshot.Snapshot, seconds int) map[snapshot.SpaceID]snapshot.FillPoint {
	all := map[snapshot.SpaceID]snapshot.FillPoint{}
	for i := range now.PortSpaces {
		p := &now.PortSpaces[i]
		if !p.HasAllocations() {
			continue
		}
		var worst snapshot.FillPoint
		for _, point := range p.Fill[max(len(p.Fill)-max(seconds, 1), 0):] {
			worst = fuller(worst, point)
		}
		if !worst.Known() {
			worst = fillOf(p)
		}
		if worst.Known() && worst.InUse > 0 {
			all[p.ID()] = worst
		}
	}
	keepFullest(all, sampleSpaces)
	for i := range now.PortSpaces {
		id := now.PortSpaces[i].ID()
		if _, kept := all[id]; kept && s.names[id] == "" && len(s.names) < maxSamples*sampleSpaces {
			s.names[id] = phrase.Space(&now.PortSpaces[i])
		}
	}
	return all
}

// fillOf is how full a space is in the moment of the snapshot.
func fillOf(p *snapshot.PortSpace) snapshot.FillPoint {
	count := func(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) }
	return snapshot.FillPoint{Capacity: count(p.Capacity), InUse: count(p.InUse()), TimeWait: count(p.TimeWait), Reusable: count(p.Reusable)}
}

// timeWait returns how many connections programs have in TIME_WAIT.
func (s *Series) timeWait(now *snapshot.Snapshot) map[snapshot.ProgramKey]int64 {
	all := map[snapshot.ProgramKey]int64{}
	for i := range now.Processes {
		p := &now.Processes[i]
		if p.TimeWaitOut <= 0 {
			continue
		}
		key := snapshot.ProgramOf(&p.Info)
		all[key] += p.TimeWaitOut
		if s.owners[key] == "" && len(s.owners) < maxSamples*sampleOwners {
			s.owners[key] = cmp.Or(p.Info.Program(), "owner not known")
		}
	}
	keepLongest(all, sampleOwners)
	return all
}

// keepMost deletes all but the most of a map, those with the highest value, of equal ones those that
// come first.
func keepMost[K comparable, V any](all map[K]V, most int, value func(V) float64, order func(a, b K) int) {
	if len(all) <= most {
		return
	}
	keys := slices.SortedFunc(maps.Keys(all), func(a, b K) int {
		return cmp.Or(cmp.Compare(value(all[b]), value(all[a])), order(a, b))
	})
	for _, key := range keys[most:] {
		delete(all, key)
	}
}

func keepFullest(all map[snapshot.SpaceID]snapshot.FillPoint, most int) {
	keepMost(all, most, snapshot.FillPoint.TakenShare, snapshot.SpaceID.Compare)
}

func keepLongest(all map[snapshot.ProgramKey]int64, most int) {
	keepMost(all, most, func(n int64) float64 { return float64(n) }, func(a, b snapshot.ProgramKey) int {
		return cmp.Or(cmp.Compare(a.Executable, b.Executable), cmp.Compare(a.Script, b.Script))
	})
}

// fullest returns the port spaces that were fullest in some moment, of those that were noticeably
// full.
func (s *Series) fullest(most int) []snapshot.SpaceID {
	const noticeable = 0.05
	peaks := map[snapshot.SpaceID]snapshot.FillPoint{}
	for i := range s.samples {
		for id, p := range s.samples[i].spaces {
			if p.TakenShare() >= noticeable || p.Exhausted > 0 {
				peaks[id] = fuller(peaks[id], p)
			}
		}
	}
	keepFullest(peaks, most)
	return slices.SortedFunc(maps.Keys(peaks), func(a, b snapshot.SpaceID) int {
		return cmp.Or(cmp.Compare(peaks[b].Exhausted, peaks[a].Exhausted), cmp.Compare(peaks[b].TakenShare(), peaks[a].TakenShare()), a.Compare(b))
	})
}

// waiting returns the programs that had most connections in TIME_WAIT in some moment.
func (s *Series) waiting(most int) []snapshot.ProgramKey {
	peaks := map[snapshot.ProgramKey]int64{}
	for i := range s.samples {
		for key, n := range s.samples[i].timeWait {
			peaks[key] = max(peaks[key], n)
		}
	}
	keepLongest(peaks, most)
	return slices.SortedFunc(maps.Keys(peaks), func(a, b snapshot.ProgramKey) int {
		return cmp.Or(cmp.Compare(peaks[b], peaks[a]), cmp.Compare(a.Executable, b.Executable), cmp.Compare(a.Script, b.Script))
	})
}

// fill returns how full a space was in a sample, and whether that is known. What is not among the
// fullest of a sample had no port in use, if there was room for it.
func (a *sample) fill(id snapshot.SpaceID) (snapshot.FillPoint, bool) {
	p, listed := a.spaces[id]
	return p, !a.missing && (listed || len(a.spaces) < sampleSpaces)
}
