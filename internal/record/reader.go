package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/porttrace/porttrace/internal/event"
)

// batchSize bounds the events of one Read: so few that they are still in the processor's cache
// when they are counted.
const batchSize = 1024

// Reader is a source that reads a recording. It is for one goroutine.
type Reader struct {
	files   []io.ReaderAt // of which the frames are
	index   *index
	frame   int // the next to be loaded
	current entry
	reads   int // that gave events of the current frame
	decoder decoder
	zstd    *zstd.Decoder
	stored  []byte
	raw     []byte
	events  []event.Event
	now     event.Time
	ended   bool // the end has been read
}

// OpenFile opens a recording for reading. The caller must close the file. The error wraps
// ErrEmpty, ErrCut, ErrForeign, ErrVersion or an error of the system. A damaged or truncated file is
// no error: see Gaps.
func OpenFile(name string) (*Reader, *os.File, error) {
	file, size, err := OpenPart(name)
	if err != nil {
		return nil, nil, err
	}
	r, err := NewReader(file, size)
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, file, nil
}

// OpenPart opens a file for Join, and returns its size. The caller must close it.
func OpenPart(name string) (*os.File, int64, error) {
	// Before it is opened: the opening of a pipe waits for a writer.
	info, err := os.Stat(name)
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return nil, 0, fmt.Errorf("%s: %w", name, pathErr.Err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", name)
	}
	file, err := os.Open(name)
	return file, info.Size(), err
}

// NewReader returns a Reader of a recording of that size, in bytes. It reads the whole file
// once, to check its sums.
func NewReader(file io.ReaderAt, size int64) (*Reader, error) {
	x, err := buildIndex(file, size)
	if err != nil {
		return nil, err
	}
	decoder, err := newZstd()
	if err != nil {
		return nil, err
	}
	r := newReader([]io.ReaderAt{file}, x, decoder)
	return r, r.Rewind()
}

func newReader(files []io.ReaderAt, x *index, decoder *zstd.Decoder) *Reader {
	return &Reader{files: files, index: x, zstd: decoder, events: make([]event.Event, 0, batchSize)}
}

// Rewind goes back to the beginning.
func (r *Reader) Rewind() error {
	r.goToFrame(0)
	return nil
}

// Span returns the first and the last moment of the recording, in stream time.
func (r *Reader) Span() (begin, end event.Time) {
	if len(r.index.frames) > 0 {
		begin = r.index.frames[0].begin
	}
	return begin, max(begin, r.index.end)
}

// Events returns how many events the recording has.
func (r *Reader) Events() (n int) {
	for i := range r.index.frames {
		n += int(r.index.frames[i].events)
	}
	return n
}

// Beyond returns how many bytes are not read, as they come after the end of the recording: cat(1) appends
// a recording to another so.
func (r *Reader) Beyond() int64 { return r.index.beyond }

// Gaps returns what the recording lacks: the frames whose sums are wrong, and, as far as it
// was read, those that are malformed although their sums are right.
func (r *Reader) Gaps() []event.Gap {
	var gaps []event.Gap
	for i := range r.index.frames {
		if gap := r.index.frames[i].gap; gap != nil {
			gaps = append(gaps, *gap)
		}
	}
	if r.index.tail != nil {
		gaps = append(gaps, *r.index.tail)
	}
	return gaps
}

// Timeline returns the counts of each part of the recording, by its headers.
func (r *Reader) Timeline() []event.Span {
	var spans []event.Span
	for i := range r.index.frames {
		e := &r.index.frames[i]
		if e.gap != nil && e.gap.End > e.gap.Begin {
			spans = append(spans, event.Span{Begin: e.gap.Begin, End: e.gap.End, Damaged: true})
		}
		spans = append(spans, event.Span{
			Begin: e.begin, End: e.end, Opens: uint64(e.opens), Closes: uint64(e.closes), Failures: uint64(e.failures),
		})
	}
	if begin, end := r.index.reached(0), r.index.end; end > begin { // quiet or lost, up to the end that is marked
		spans = append(spans, event.Span{Begin: begin, End: end, Damaged: r.index.tail != nil})
	}
	return spans
}

// Clock returns the wall clock at the beginning; steps of that clock come in the stream.
func (r *Reader) Clock() event.Clock {
	for i := range r.index.frames {
		if e := &r.index.frames[i]; e.wall != 0 {
			return event.Clock{Mono: e.begin, Wall: e.wall}
		}
	}
	return event.Clock{}
}

// At returns the stream time of a moment of the wall clock, by the frame written then.
func (r *Reader) At(wall time.Time) event.Time {
	clock := r.Clock()
	for i := range r.index.frames {
		if e := &r.index.frames[i]; e.wall != 0 && e.wall <= wall.UnixNano() {
			clock = event.Clock{Mono: e.begin, Wall: e.wall}
		}
	}
	return clock.Mono + event.Time(wall.UnixNano()-clock.Wall)
}

// Read returns the next events, at most those of one batch of the live stream. What is
// missing comes as an event, after the context that the missing frames may have changed.
func (r *Reader) Read(ctx context.Context) (event.Batch, error) {
	r.events = r.events[:0]
	for !r.decoder.more() {
		if err := ctx.Err(); err != nil {
			return r.batch(), err
		}
		if r.frame == len(r.index.frames) {
			return r.finish(), io.EOF
		}
		if err := r.load(); err != nil {
			return r.batch(), err
		}
	}
	if err := ctx.Err(); err != nil {
		return r.batch(), err
	}
	var err error
	if r.events, err = r.decoder.read(r.events); err != nil {
		r.skip()
	}
	r.reads++
	r.now = max(r.now, r.decoder.now)
	return r.batch(), nil
}

func (r *Reader) batch() event.Batch { return event.Batch{Events: r.events, Now: r.now} }

// finish returns the last batch: how far the stream came, and what is missing at its end.
func (r *Reader) finish() event.Batch {
	_, r.now = r.Span()
	if gap := r.index.tail; gap != nil && !r.ended {
		r.addGap(gap)
	}
	r.ended = true
	return r.batch()
}

func (r *Reader) addGap(gap *event.Gap) {
	r.events = append(r.events, event.Event{Time: max(gap.Begin, gap.End), Kind: event.Missing, Fact: gap})
}

// load makes the next frame the current one, or skips it.
func (r *Reader) load() error {
	r.current = r.index.frames[r.frame]
	r.frame++
	r.reads = 0
	err := r.decompress(&r.current)
	if err == nil && r.current.gap != nil {
		// The context comes first: it has the clock by which the times of the gap are shown.
		r.events, err = r.decoder.appendContext(r.events, r.current.begin)
		r.addGap(r.current.gap)
	}
	if errors.Is(err, errMalformed) {
		r.skip()
		return nil
	}
	return err
}

// skip leaves out the rest of a frame that is malformed although its sums are right.
func (r *Reader) skip() {
	r.decoder = decoder{}
	gap := &r.index.tail
	if r.frame < len(r.index.frames) {
		gap = &r.index.frames[r.frame].gap
	}
	if *gap == nil {
		*gap = &event.Gap{Begin: r.now, End: r.current.end}
	}
	(*gap).Begin = min((*gap).Begin, r.now)
}

func (r *Reader) decompress(e *entry) error {
	r.stored = slices.Grow(r.stored[:0], int(e.size))[:e.size]
	if _, err := r.files[e.file].ReadAt(r.stored, e.at+headerSize); err != nil {
		return fmt.Errorf("reading at byte %d: %w", e.at, err)
	}
	raw, err := r.zstd.DecodeAll(r.stored, r.raw[:0])
	if err != nil || len(raw) != int(e.raw) {
		return errMalformed
	}
	r.raw = raw
	return r.decoder.load(&e.header, raw)
}
