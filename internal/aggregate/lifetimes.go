package aggregate

import (
	"math/bits"
	"time"
)

// lifetimes is a histogram of durations with four classes to each power of two of
// microseconds, hence within a fifth of the true quantile. It is this small because
// every row has one.
type lifetimes struct {
	counts []uint32
	total  uint64
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

func (l *lifetimes) add(d time.Duration) { l.addN(classOf(d), 1) }

func (l *lifetimes) addN(class int, n uint32) {
	for len(l.counts) <= class {
		l.counts = append(l.counts, 0)
	}
	l.counts[class] += n
	l.total += uint64(n)
}

func (l *lifetimes) merge(o *lifetimes) {
	for class, n := range o.counts {
		if n != 0 {
			l.addN(class, n)
		}
	}
}

// quantile is the duration below which the share q of all lie, 0 without any.
func (l *lifetimes) quantile(q float64) time.Duration {
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
