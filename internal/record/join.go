package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Part is one of several files that are read as one recording.
type Part struct {
	Name string
	File io.ReaderAt
	Size int64
}

// Errors of files that cannot be joined.
var (
	// ErrOverlap is that of recordings of the same time.
	ErrOverlap = errors.New("they are of the same time")
	// ErrBoots is that of recordings between which the host was started again, or of two hosts: their
	// clocks have nothing in common.
	ErrBoots = errors.New("they are of two boots, or of two hosts")
)

// Join returns a Reader of recordings of one host, one after another in the order of time. Where one
// begins in which the other ends, as the segments of one run do, nothing is missing between them;
// otherwise what was not recorded comes as an event of kind Missing.
func Join(parts []Part) (*Reader, error) {
	all := make([]indexed, len(parts))
	for i, part := range parts {
		x, err := buildIndex(part.File, part.Size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		all[i] = indexed{part, x}
	}
	slices.SortStableFunc(all, func(a, b indexed) int { return cmp.Compare(a.began(), b.began()) })
	joined, files := &index{}, make([]io.ReaderAt, len(all))
	for i, one := range all {
		if i > 0 {
			if err := joined.mayFollow(&all[i-1], &one); err != nil {
				return nil, fmt.Errorf("%s and %s cannot be read as one: %w", all[i-1].Name, one.Name, err)
			}
		}
		files[i] = one.File
		joined.append(one.index, i)
	}
	decoder, err := newZstd()
	if err != nil {
		return nil, err
	}
	r := newReader(files, joined, decoder)
	return r, r.Rewind()
}

// indexed is a file and what is in it.
type indexed struct {
	Part
	*index
}

// began returns when the file begins on the wall clock, by which those of several boots have an order.
func (f *indexed) began() int64 {
	for i := range f.frames {
		if wall := f.frames[i].wall; wall != 0 {
			return wall
		}
	}
	return 0
}

// clockStep is how far the wall clock may have been set between two files of one boot.
const clockStep = time.Hour

// mayFollow returns the error of a file that cannot come after another.
func (x *index) mayFollow(before, next *indexed) error {
	if len(before.frames) == 0 || len(next.frames) == 0 {
		return nil
	}
	offset := func(f *indexed) int64 { return f.began() - int64(f.frames[0].begin) }
	if step := time.Duration(offset(next) - offset(before)); before.began() != 0 && next.began() != 0 && step.Abs() > clockStep {
		return ErrBoots
	}
	if next.frames[0].begin < x.end {
		return ErrOverlap
	}
	return nil
}

// append appends the frames of a file that comes next.
func (x *index) append(next *index, file int) {
	frames := next.frames
	first := len(x.frames) == 0
	if !first && x.complete && len(frames) > 0 && frames[0].begin == x.end {
		for len(frames) > 0 && frames[0].head {
			frames = frames[1:]
		}
	} else if !first && len(frames) > 0 && frames[0].gap == nil {
		frames[0].gap = &event.Gap{Begin: x.end, End: frames[0].begin, Unrecorded: true}
	}
	for _, frame := range frames {
		frame.file = file
		x.frames = append(x.frames, frame)
	}
	x.complete, x.end, x.tail = next.complete, max(x.end, next.end), next.tail
}
