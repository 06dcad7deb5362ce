package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/porttrace/porttrace/internal/event"
)

// Errors of files that are no recording at all.
var (
	ErrEmpty   = errors.New("the file is empty: nothing was recorded")
	ErrForeign = errors.New("not a recording of porttrace")
)

// entry is a frame in the file.
type entry struct {
	header
	at  int64      // where its header stands
	gap *event.Gap // what is missing before it
}

// index is what the headers tell of a file.
type index struct {
	frames   []entry
	complete bool       // the end is marked
	end      event.Time // how far the stream came
	tail     *event.Gap // what is missing after the last frame
}

// buildIndex goes through the whole file once and checks every sum, so that damage is
// known before anything is shown.
func buildIndex(file io.ReaderAt, size int64) (*index, error) {
	if size == 0 {
		return nil, ErrEmpty
	}
	s := scanner{file: file, size: size, window: make([]byte, 64<<10)}
	x := &index{}
	damaged := false // since the last good frame
	for at := int64(0); at < size && !x.complete; {
		h, err := s.header(at)
		if err != nil {
			damaged = true
			if at, err = s.nextHeader(at + 1); err != nil {
				return nil, err
			}
			continue
		}
		whole, err := s.check(&h, at)
		if err != nil {
			return nil, err
		}
		switch {
		case !whole, h.begin < x.reached(h.begin): // or of another recording
			damaged = true
		case h.kind == kindEnd:
			x.finish(&h, damaged)
		default:
			x.add(entry{header: h, at: at}, damaged)
			damaged = false
		}
		at += headerSize + int64(h.size)
	}
	if len(x.frames) == 0 && !x.complete {
		return nil, s.why()
	}
	x.cutShort()
	return x, nil
}

// add appends a good frame; what should have been before it may be missing.
func (x *index) add(e entry, damaged bool) {
	if damaged || e.number != x.nextNumber() {
		e.gap = &event.Gap{Begin: x.reached(e.begin), End: e.begin}
	}
	x.frames = append(x.frames, e)
}

func (x *index) finish(h *header, damaged bool) {
	x.complete, x.end = true, h.end
	if damaged || h.number != x.nextNumber() {
		x.tail = &event.Gap{Begin: x.reached(h.begin), End: h.begin}
	}
}

// cutShort says so, where the end is not marked: whatever follows the last good frame.
func (x *index) cutShort() {
	if !x.complete {
		at := x.frames[len(x.frames)-1].end
		x.end = at
		x.tail = &event.Gap{Begin: at, Truncated: true}
	}
}

func (x *index) nextNumber() uint64 {
	if len(x.frames) == 0 {
		return 0
	}
	return x.frames[len(x.frames)-1].number + 1
}

// reached is how far the good frames go, or from if there is none.
func (x *index) reached(from event.Time) event.Time {
	if len(x.frames) == 0 {
		return from
	}
	return x.frames[len(x.frames)-1].end
}

// scanner reads headers and looks for them.
type scanner struct {
	file   io.ReaderAt
	size   int64
	window []byte
}

// read fills b from there on, as far as the file goes.
func (s *scanner) read(b []byte, at int64) ([]byte, error) {
	n, err := s.file.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading at byte %d: %w", at, err)
	}
	return b[:n], nil
}

func (s *scanner) header(at int64) (header, error) {
	b, err := s.read(s.window[:headerSize], at)
	if err != nil {
		return header{}, err
	}
	return readHeader(b)
}

// nextHeader is where the next good header from there on stands, or the end of the file.
func (s *scanner) nextHeader(from int64) (int64, error) {
	for from < s.size {
		b, err := s.read(s.window, from)
		if err != nil {
			return 0, err
		}
		i := bytes.Index(b, marker)
		switch {
		case i < 0 && from+int64(len(b)) >= s.size:
			return s.size, nil
		case i < 0:
			from += int64(len(b) - len(marker) + 1)
			continue
		}
		from += int64(i)
		if _, err := s.header(from); err == nil {
			return from, nil
		}
		from++
	}
	return s.size, nil
}

// check reports whether the frame is all there and as it was written. A header is
// believed: what it says of a frame that is not good is skipped, too.
func (s *scanner) check(h *header, at int64) (bool, error) {
	if at+headerSize+int64(h.size) > s.size {
		return false, nil
	}
	var sum uint32
	for done := int64(0); done < int64(h.size); {
		b, err := s.read(s.window[:min(int64(len(s.window)), int64(h.size)-done)], at+headerSize+done)
		if err != nil {
			return false, err
		}
		if len(b) == 0 { // cut since
			return false, nil
		}
		sum = updateChecksum(sum, b)
		done += int64(len(b))
	}
	return sum == h.sum, nil
}

// why is the reason for which nothing was found.
func (s *scanner) why() error {
	b, err := s.read(s.window[:headerSize], 0)
	if err != nil {
		return err
	}
	if version, ok := newerVersion(b); ok {
		return fmt.Errorf("%w: it has version %d, this one reads version %d", ErrVersion, version, Version)
	}
	if bytes.HasPrefix(b, marker[:min(len(marker), len(b))]) {
		return ErrEmpty
	}
	return ErrForeign
}
