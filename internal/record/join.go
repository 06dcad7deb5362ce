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
// otherwise what was not recorded comes as an event of kind Missing. Empty files are left out, as a
// crash can leave one.
func Join(parts []Part) (*Reader, error) {
	all, err := indexAll(parts)
	if err != nil {
		return nil, err
	}
	return join(all)
}

// JoinNewest does the same with those of the newest boot of the host, and returns how many are older.
func JoinNewest(parts []Part) (r *Reader, older int, err error) {
	all, err := indexAll(parts)
	if err != nil {
		return nil, 0, err
	}
	for i := len(all) - 1; i > 0 && older == 0; i-- {
		if !sameBoot(&all[i-1], &all[i]) {
			older = i
		}
	}
	r, err = join(all[older:])
	return r, older, err
}

// indexAll reads all files, and returns those with something in them in the order of time.
func indexAll(parts []Part) ([]indexed, error) {
	var all []indexed
	for _, part := range parts {
		x, err := buildIndex(part.File, part.Size)
		switch {
		case (errors.Is(err, ErrEmpty) || errors.Is(err, ErrCut)) && len(parts) > 1:
		case err != nil:
			return nil, fmt.Errorf("%s: %w", part.Name, err)
		case len(x.frames) > 0 || len(parts) == 1:
			all = append(all, indexed{part, x})
		}
	}
	if len(all) == 0 {
		return nil, ErrEmpty
	}
	slices.SortStableFunc(all, func(a, b indexed) int { return cmp.Or(cmp.Compare(a.began(), b.began()), cmp.Compare(a.end, b.end)) })
	return all, nil
}

func join(all []indexed) (*Reader, error) {
	joined, files := &index{}, make([]io.ReaderAt, len(all))
	for i, one := range all {
		if i > 0 {
			if err := joined.mayFollow(&all[i-1], &one); err != nil {
				return nil, fmt.Errorf("%s and %s cannot be read as one: %w; read each by itself", all[i-1].Name, one.Name, err)
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

// sameBoot reports whether the clocks of two files have to do with each other.
func sameBoot(a, b *indexed) bool {
	offset := func(f *indexed) int64 { return f.began() - int64(f.frames[0].begin) }
	step := time.Duration(offset(b) - offset(a))
	return a.began() == 0 || b.began() == 0 || step.Abs() <= clockStep
}

// mayFollow returns the error of a file that cannot come after another.
func (x *index) mayFollow(before, next *indexed) error {
	switch {
	case !sameBoot(before, next):
		return ErrBoots
	case next.frames[0].begin < x.end:
		return ErrOverlap
	}
	return nil
}

// append appends the frames of a file that comes next.
func (x *index) append(next *index, file int) {
	frames := next.frames
	x.beyond += next.beyond
	first := len(x.frames) == 0
	switch {
	case first:
	case x.complete && frames[0].begin == x.end:
		for len(frames) > 0 && frames[0].head {
			frames = frames[1:]
		}
	case frames[0].gap == nil:
		frames[0].gap = &event.Gap{Begin: x.end, End: frames[0].begin, Unrecorded: true}
	}
	for _, frame := range frames {
		frame.file = file
		x.frames = append(x.frames, frame)
	}
	x.complete, x.end, x.tail = next.complete, max(x.end, next.end), next.tail
}
