package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/porttrace/porttrace/internal/event"
)

// Errors of files that are no recording.
var (
	ErrEmpty   = errors.New("the file is empty: nothing was recorded")
	ErrCut     = errors.New("the file is cut off or damaged in its first frame: nothing can be read from it")
	ErrForeign = errors.New("not a recording of porttrace")
)

// entry is a frame in the file.
type entry struct {
	header
	file int        // which one it is in
	at   int64      // the offset of its header
	gap  *event.Gap // what is missing before it
}

// index is the list of the frames of a file, made of their headers.
type index struct {
	frames   []entry
	complete bool       // there is an end header
	end      event.Time // how far the stream came
	tail     *event.Gap // what is missing after the last frame
	beyond   int64      // bytes after the end header
}

// buildIndex reads the whole file once and checks every sum, so that damage is known before
// anything is shown.
func buildIndex(file io.ReaderAt, size int64) (*index, error) {
	if size == 0 {
		return nil, ErrEmpty
	}
	s := headerReader{file: file, size: size, window: make([]byte, 64<<10)}
	x := &index{}
	damaged := false // since the last good frame
	at := int64(0)
	for at < size && !x.complete {
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
		case !whole, h.begin < x.reached(h.begin): // the second is a frame of another recording
			damaged = true
		case h.kind == kindEnd:
			x.finish(&h, damaged)
		default:
			x.addFrame(entry{header: h, at: at}, damaged)
			damaged = false
		}
		at += headerSize + int64(h.size)
	}
	if len(x.frames) == 0 && !x.complete {
		return nil, s.reason()
	}
	x.beyond = max(size-at, 0)
	x.truncate()
	return x, nil
}

// addFrame appends a good frame, with the gap before it if there is one.
func (x *index) addFrame(e entry, damaged bool) {
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

// truncate adds a gap after the last good frame if there is no end header.
func (x *index) truncate() {
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

// reached returns the end of the last good frame, or from if there is none.
func (x *index) reached(from event.Time) event.Time {
	if len(x.frames) == 0 {
		return from
	}
	return x.frames[len(x.frames)-1].end
}

// headerReader reads headers and searches for them.
type headerReader struct {
	file   io.ReaderAt
	size   int64
	window []byte
}

// read fills b from the offset on, as far as the file goes.
func (s *headerReader) read(b []byte, at int64) ([]byte, error) {
	n, err := s.file.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading at byte %d: %w", at, err)
	}
	return b[:n], nil
}

func (s *headerReader) header(at int64) (header, error) {
	b, err := s.read(s.window[:headerSize], at)
	if err != nil {
		return header{}, err
	}
	return readHeader(b)
}

// nextHeader returns the offset of the next good header, from that offset on, or the end of
// the file.
func (s *headerReader) nextHeader(from int64) (int64, error) {
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

// check reports whether the frame is complete and its sum right. If it is not, its size is
// that of its header all the same: the search for the next header begins behind it.
func (s *headerReader) check(h *header, at int64) (bool, error) {
	if at+headerSize+int64(h.size) > s.size {
		return false, nil
	}
	var sum uint32
	for done := int64(0); done < int64(h.size); {
		b, err := s.read(s.window[:min(int64(len(s.window)), int64(h.size)-done)], at+headerSize+done)
		if err != nil {
			return false, err
		}
		if len(b) == 0 { // the file was truncated meanwhile
			return false, nil
		}
		sum = updateChecksum(sum, b)
		done += int64(len(b))
	}
	return sum == h.sum, nil
}

// reason returns the error of a file in which no frame was found.
func (s *headerReader) reason() error {
	b, err := s.read(s.window[:headerSize], 0)
	if err != nil {
		return err
	}
	if version, ok := newerVersion(b); ok {
		return fmt.Errorf("%w: it has version %d, this one reads version %d", ErrVersion, version, Version)
	}
	if bytes.HasPrefix(b, marker[:min(len(marker), len(b))]) {
		return ErrCut
	}
	return ErrForeign
}
