package live

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// countsKept is for how long the counts of a namespace are not repeated if nothing has
	// changed.
	countsKept = 10 * time.Second
	// trackingKept is for how long it is not entered again for what only a thread in it can
	// read.
	trackingKept = 10 * time.Second
	// To read the counts of a namespace takes 150 us, to enter it about as much again. On a
	// host with many of them those that were read longest ago come first, for countsShare of
	// each survey: of 1,000 each is read about every 15 s (later on a busy processor), and those
	// in which something was counted last time activeWeight times as often as the others.
	countsShare = 10 * time.Millisecond
	countsFirst = 60 * time.Millisecond  // of the first and the last survey
	countsEvery = 900 * time.Millisecond // a survey comes with each scan, too
	fewCounts   = 16                     // are read in each survey whatever it takes
	fewTracked  = 8                      // are entered in a survey at most

	activeWeight = 4
)

// netnsCounts reads what the kernel has counted in each namespace. It reports a change, and
// otherwise the same again now and then.
type netnsCounts struct {
	reader   countsReader
	own      uint32 // the namespace of this program
	readings map[uint32]*reading
}

// countsReader is netns.Namespaces.
type countsReader interface {
	Counts(inode uint32) (event.NetnsCounts, error)
	Tracking(inode uint32, stat event.Conntrack) (event.Conntrack, error)
}

// reading is what was read of a namespace last; its times are 0 before.
type reading struct {
	inode    uint32
	at       event.Time
	reported event.Time
	last     event.NetnsCounts
	active   bool // the last reading differed from the one before

	tracked  event.Time
	tracking event.Conntrack
}

func newNetnsCounts(reader countsReader, own uint32) *netnsCounts {
	return &netnsCounts{reader: reader, own: own, readings: map[uint32]*reading{}}
}

// survey returns what is to be reported of the known namespaces. whole says that it is the
// first survey or the last.
func (c *netnsCounts) survey(known []uint32, now event.Time, whole bool) []event.NetnsCounts {
	share := countsShare
	if whole {
		share = countsFirst
	}
	var list []event.NetnsCounts
	began, tracked := time.Now(), 0
	for i, r := range c.mostDueFirst(known, now) {
		if i >= fewCounts && time.Since(began) >= share {
			break
		}
		if !whole && r.at != 0 && now.Sub(r.at) < countsEvery {
			continue
		}
		r.at = now
		counts, err := c.reader.Counts(r.inode)
		if err != nil {
			continue // it is gone, or may not be read: nothing is known
		}
		if tracked < fewTracked && r.isTrackingDue(now, &counts, c.own) {
			tracked++
			r.track(c.reader, &counts, now)
		}
		r.complete(&counts)
		r.active = r.hasChanged(&counts, c.own)
		if r.active || now.Sub(r.reported) >= countsKept {
			r.reported, r.last = now, counts
			list = append(list, counts)
		}
	}
	return list
}

// mostDueFirst returns the readings of the known namespaces, and forgets those of others.
func (c *netnsCounts) mostDueFirst(known []uint32, now event.Time) []*reading {
	readings := make(map[uint32]*reading, len(known))
	list := make([]*reading, 0, len(known))
	for _, inode := range known {
		r := c.readings[inode]
		if r == nil {
			r = &reading{inode: inode}
		}
		readings[inode] = r
		list = append(list, r)
	}
	c.readings = readings
	slices.SortStableFunc(list, func(a, b *reading) int { return cmp.Compare(b.due(now), a.due(now)) })
	return list
}

// due grows with the time since the namespace was read.
func (r *reading) due(now event.Time) time.Duration {
	switch {
	case r.at == 0:
		return math.MaxInt64
	case r.active:
		return activeWeight * now.Sub(r.at)
	}
	return now.Sub(r.at)
}

// isTrackingDue reports whether the namespace must be entered: if it tracks connections, or
// that is not known. The program's own one costs nothing.
func (r *reading) isTrackingDue(now event.Time, counts *event.NetnsCounts, own uint32) bool {
	tracks := counts.Conntrack.Entries != event.CounterOf(0) || r.inode == own
	return tracks && (r.tracked == 0 || now.Sub(r.tracked) >= trackingKept)
}

func (r *reading) track(reader countsReader, counts *event.NetnsCounts, now event.Time) {
	r.tracked, r.tracking = now, event.Conntrack{}
	if tracking, err := reader.Tracking(r.inode, counts.Conntrack); err == nil {
		r.tracking = tracking
	}
}

// complete adds to new counts what was read inside of the namespace, now or before.
func (r *reading) complete(counts *event.NetnsCounts) {
	if !counts.Conntrack.Entries.Known() { // all of it comes from there
		counts.Conntrack = r.tracking
		return
	}
	counts.Conntrack.Max, counts.Conntrack.NAT = r.tracking.Max, r.tracking.NAT
}

// hasChanged reports whether the counts are others than those reported last, or the first.
// What is counted for the whole host changes for all its namespaces at once: only in the
// program's own one that is a change.
func (r *reading) hasChanged(counts *event.NetnsCounts, own uint32) bool {
	before := r.last
	if r.inode != own {
		before.Orphans, before.MemPages = counts.Orphans, counts.MemPages
	}
	return r.reported == 0 || before != *counts
}
