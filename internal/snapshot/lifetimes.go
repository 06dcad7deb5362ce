package snapshot

import (
	"math/bits"
	"slices"
	"time"
)

// Lifetimes is a histogram of durations with four classes to each power of two of
// microseconds, hence within a fifth of the true quantile. It is this small because every
// row has one. Those of several rows add up to one of all, with Merge.
type Lifetimes struct {
	counts []uint32
	total  uint64
	shared bool // counts belong to a copy, too: they must not be changed
}

const (
	classesPerOctave = 4
	maxClass         = 160 // 2^40 us, twelve days
)

func classOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < classesPerOctave {
		return int(us)
	}
	octave := bits.Len64(us) - 1
	quarter := us >> (octave - 2) & (classesPerOctave - 1)
	return min((octave-1)*classesPerOctave+int(quarter), maxClass)
}

// middleOf is the middle of a class.
func middleOf(class int) time.Duration {
	if class < classesPerOctave {
		return time.Duration(class) * time.Microsecond
	}
	octave := class/classesPerOctave + 1
	low := uint64(classesPerOctave+class%classesPerOctave) << (octave - 2)
	width := uint64(1) << (octave - 2)
	return time.Duration(low+width/2) * time.Microsecond
}

// Add counts one duration.
func (l *Lifetimes) Add(d time.Duration) { l.add(classOf(d), 1) }

func (l *Lifetimes) add(class int, n uint32) {
	l.own(class + 1)
	l.counts[class] += n
	l.total += uint64(n)
}

// LifetimeBatch is some durations that are to be added to several histograms: as many as there are, if
// they are of a few classes.
type LifetimeBatch struct {
	classes [8]uint8
	used    uint8
	counts  [8]uint32
}

// Add counts one duration. It returns false if that is of one class too many.
func (b *LifetimeBatch) Add(d time.Duration) bool {
	class := uint8(classOf(d))
	for i := range b.used {
		if b.classes[i] == class {
			b.counts[i]++
			return true
		}
	}
	if int(b.used) == len(b.classes) {
		return false
	}
	b.classes[b.used], b.counts[b.used] = class, 1
	b.used++
	return true
}

// AddBatch adds the durations of a batch.
func (l *Lifetimes) AddBatch(b *LifetimeBatch) {
	for i := range b.used {
		l.add(int(b.classes[i]), b.counts[i])
	}
}

// own makes the counts its own, with room for that many classes at least.
func (l *Lifetimes) own(classes int) {
	if l.shared {
		l.counts, l.shared = slices.Clone(l.counts), false
	}
	if lacking := classes - len(l.counts); lacking > 0 {
		l.counts = append(l.counts, make([]uint32, lacking)...)
	}
}

// Merge adds another histogram's durations.
func (l *Lifetimes) Merge(o *Lifetimes) {
	l.own(len(o.counts))
	for class, n := range o.counts {
		l.counts[class] += n
	}
	l.total += o.total
}

// Share returns a copy that stays as it is. Rows to which nothing is added between two
// snapshots have the same memory in both.
func (l *Lifetimes) Share() Lifetimes {
	l.shared = true
	return *l
}

// Quantile is the duration below which the share q of all lie, 0 without any.
func (l *Lifetimes) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(l.total))
	var below uint64
	for class, n := range l.counts {
		below += uint64(n)
		if below > rank {
			return middleOf(class)
		}
	}
	return 0
}

// LifetimeClass is how many connections lived less than Below, and not less than the class before.
type LifetimeClass struct {
	Below time.Duration // 0: any longer time
	Count uint64
}

// Decades returns the durations in classes of a power of ten each, from 1 ms to 10 min. The edges
// are within an eighth of what they say, as the histogram has no finer classes.
func (l *Lifetimes) Decades() []LifetimeClass {
	edges := []time.Duration{
		time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, 0,
	}
	list := make([]LifetimeClass, len(edges))
	for i, edge := range edges {
		list[i].Below = edge
	}
	at := 0
	for class, n := range l.counts {
		for list[at].Below != 0 && middleOf(class) >= list[at].Below {
			at++
		}
		list[at].Count += uint64(n)
	}
	return list
}
