package record

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/porttrace/porttrace/internal/event"
)

// frameTime is the time that a frame covers, if it is not full before. A crash loses the
// frame that is being collected and the one that is being written.
const frameTime = 500 * time.Millisecond

var (
	// ErrFull is the error of a recording that has reached its maximum size.
	ErrFull = errors.New("the recording has its full size")
	// ErrSlow is the error of one whose storage has not taken a frame until the next was full.
	ErrSlow = errors.New("the disk is too slow")
)

// Storage stores a recording. A file is synced after every frame, and truncated to its last
// whole frame if one could not be written.
type Storage interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
}

// Pipe is Storage that can be neither synced nor truncated.
type Pipe struct{ io.Writer }

// Sync does nothing.
func (Pipe) Sync() error { return nil }

// Truncate does nothing: a pipe keeps what was written.
func (Pipe) Truncate(int64) error { return nil }

// Stats are the sizes of what was written so far.
type Stats struct {
	Events uint64 // in whole frames
	Bytes  int64
}

// Writer writes a recording. Add, EndBatch and Close are for one goroutine. Another one
// compresses and writes, so that a slow disk does not delay the reading of the kernel's
// buffers at once; Close waits for it.
type Writer struct {
	frame *frame
	// patience is for how long a full frame waits until the one before it is written; 0: for as
	// long as that takes. With patience, one that is not full waits for none.
	patience time.Duration
	full     chan *frame
	empty    chan *frame
	done     chan struct{}
	head     bool       // what is added is a part of the head
	end      event.Time // how far the stream has come; set before full is closed

	// Used by the goroutine that writes.
	to      Storage
	max     int64
	encoder *zstd.Encoder
	number  uint64
	raw     []byte
	stored  []byte

	mu    sync.Mutex
	stats Stats
	err   error // why no more is written
}

// NewWriter begins a recording of at most maxBytes bytes; 0 is no limit. A file must be open
// for appending. Close must be called.
func NewWriter(to Storage, maxBytes int64) (*Writer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(1<<18), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("preparing the compression: %w", err)
	}
	w := &Writer{
		frame: newFrame(), full: make(chan *frame), empty: make(chan *frame, 1), done: make(chan struct{}),
		to: to, max: maxBytes, encoder: encoder,
	}
	w.frame.reset(0, 0, false, true)
	w.empty <- newFrame()
	go w.write()
	return w, nil
}

// Add appends an event, which the world must have applied already. The error is that of an
// earlier frame.
func (w *Writer) Add(e *event.Event, world *event.World) error {
	w.frame.addEvent(e, world)
	if !w.frame.isFull() {
		return nil
	}
	// The part of this batch ends after the batch before, of which it is no part.
	w.frame.end = max(w.frame.end+1, w.frame.time)
	w.handOver()
	return w.failure()
}

// EndBatch marks the end of a batch, and how far the stream has come with it.
func (w *Writer) EndBatch(now event.Time) error {
	f := w.frame
	if f.begun {
		f.endBatch(now)
	}
	if f.events > 0 && now.Sub(f.begin) >= frameTime && (w.patience == 0 || len(w.empty) > 0) {
		w.handOver()
	}
	return w.failure()
}

// endHead ends a batch, all of which since the beginning is the head of a recording.
func (w *Writer) endHead(now event.Time) error {
	w.frame.endBatch(now)
	if w.frame.events > 0 {
		w.handOver()
	}
	w.head, w.frame.head = false, false
	return w.failure()
}

// handOver passes the frame to the goroutine that writes, and begins another. It waits if
// the frame before is not written yet.
func (w *Writer) handOver() {
	f := w.frame
	next := w.nextFrame()
	if next == nil {
		w.fail(ErrSlow)
		return
	}
	next.reset(f.number+1, f.end, true, f.changesContext)
	next.head = w.head
	w.full <- f
	w.frame = next
}

// nextFrame returns an empty frame, nil if there is none until the patience is over.
func (w *Writer) nextFrame() *frame {
	var over <-chan time.Time // never
	if w.patience > 0 {
		over = time.After(w.patience)
	}
	select {
	case next := <-w.empty:
		return next
	case <-over:
		return nil
	}
}

// Close writes the rest and the end header, which marks the recording as complete.
func (w *Writer) Close() error {
	w.patience = 0
	if w.frame.events > 0 {
		w.handOver()
	}
	w.end = w.frame.end
	close(w.full)
	<-w.done
	return w.failure()
}

// Stats may be called by any goroutine.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

func (w *Writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// write writes frames until there are no more.
func (w *Writer) write() {
	defer close(w.done)
	for f := range w.full {
		if w.failure() == nil {
			w.writeFrame(f)
		}
		w.empty <- f
	}
	if err := w.failure(); err == nil || errors.Is(err, ErrFull) || errors.Is(err, ErrSlow) {
		end := header{kind: kindEnd, number: w.number, begin: w.end, end: w.end}
		w.store(end.append(nil), 0)
	}
}

func (w *Writer) writeFrame(f *frame) {
	w.raw = f.append(w.raw[:0])
	w.stored = append(w.stored[:0], make([]byte, headerSize)...)
	w.stored = w.encoder.EncodeAll(w.raw, w.stored)
	f.seal(w.stored[headerSize:], len(w.raw))
	f.header.append(w.stored[:0])
	if w.max > 0 && w.Stats().Bytes+int64(len(w.stored))+headerSize > w.max {
		w.fail(ErrFull)
		return
	}
	w.store(w.stored, f.events)
	w.number = f.number + 1
}

// seal sets the fields of the header that describe the compressed frame.
func (f *frame) seal(stored []byte, raw int) {
	f.size, f.raw, f.sum = uint32(len(stored)), uint32(raw), checksum(stored)
}

func (w *Writer) store(b []byte, events uint32) {
	before := w.Stats().Bytes
	if _, err := w.to.Write(b); err != nil {
		// A part of a frame would be read as damage.
		err = errors.Join(err, w.to.Truncate(before))
		w.fail(err)
		return
	}
	if err := w.to.Sync(); err != nil {
		w.fail(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Bytes += int64(len(b))
	w.stats.Events += uint64(events)
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}
