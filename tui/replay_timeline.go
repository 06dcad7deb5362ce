package tui

import (
	"math"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
)

// scale maps a recording to columns.
type scale struct {
	begin, end event.Time
	width      int
}

// position returns the place of a moment in columns, with its fraction.
func (s scale) position(at event.Time) float64 {
	if s.end <= s.begin {
		return 0
	}
	// Multiplied first: as long as the product is exact, so are the columns' edges.
	place := float64(at.Sub(s.begin)) * float64(s.width) / float64(s.end.Sub(s.begin))
	return min(max(place, 0), float64(s.width))
}

// column returns the column of a moment.
func (s scale) column(at event.Time) int { return clamp(int(s.position(at)), s.width) }

// timeline is a recording folded to the columns of a scale.
type timeline struct {
	rates []uint32  // of opens; 0 for none, highest for the greatest
	fills []float64 // the highest share taken of any port space; nil if it is not known at all
	marks []rune    // 0 for none
}

const (
	failureMark = '!'
	damageMark  = '?'
	// highest is fine enough for the eight heights of a bar.
	highest = 1_000_000
)

// fold distributes the stretches over the columns. A failure is marked in every column in
// which it can have been, and takes precedence over damage.
func fold(stretches []playback.Stretch, to scale) timeline {
	if to.width <= 0 {
		return timeline{}
	}
	counts, marks := make([]float64, to.width), make([]rune, to.width)
	var fills []float64
	for i := range stretches {
		s := &stretches[i]
		if s.FillKnown && fills == nil {
			fills = make([]float64, to.width)
		}
		begin, end := to.position(s.Begin), to.position(s.End)
		first := clamp(int(begin), to.width)
		last := max(clamp(int(math.Ceil(end))-1, to.width), first)
		for c := first; c <= last; c++ {
			counts[c] += float64(s.Opens) * part(c, begin, end)
			if s.FillKnown {
				fills[c] = max(fills[c], s.Fill)
			}
			switch {
			case s.Failures > 0:
				marks[c] = failureMark
			case s.Damaged && marks[c] == 0:
				marks[c] = damageMark
			}
		}
	}
	return timeline{rates: heights(counts), fills: fills, marks: marks}
}

// part returns the share of the span from begin to end that is in a column.
func part(column int, begin, end float64) float64 {
	if end <= begin {
		return 1
	}
	return (min(end, float64(column+1)) - max(begin, float64(column))) / (end - begin)
}

// heights returns the counts relative to the greatest; only no count is 0. All columns
// last equally long, so counts compare as rates do.
func heights(counts []float64) []uint32 {
	rates := make([]uint32, len(counts))
	top := slices.Max(counts)
	for i, n := range counts {
		if n > 0 {
			rates[i] = uint32(math.Ceil(n / top * highest))
		}
	}
	return rates
}
