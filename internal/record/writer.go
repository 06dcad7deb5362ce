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

// frameTime is how much of the stream a frame holds, and so what a crash costs at most.
const frameTime = 500 * time.Millisecond

// ErrFull ends a recording that has reached its size.
var ErrFull = errors.New("the recording has its full size")

// Storage is where a recording goes. A file is brought to the disk after every frame,
// and cut back to its last whole frame when one could not be written.
type Storage interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
}

// Pipe is Storage that cannot be brought anywhere.
type Pipe struct{ io.Writer }

// Sync does nothing.
func (Pipe) Sync() error { return nil }

// Truncate does nothing: what is in a pipe is gone.
func (Pipe) Truncate(int64) error { return nil }

// Stats are what was written so far.
type Stats struct {
	Events uint64 // in whole frames
	Bytes  int64
}

// Writer writes a recording. Add and EndBatch are for one goroutine; compressing and
// writing is done by another, so that a slow disk does not hold up the reading of the
// kernel's buffers at once.
type Writer struct {
	frame *frame
	full  chan *frame
	empty chan *frame
	done  chan struct{}
	end   event.Time // how far the stream has come, when full is closed

	// Of the goroutine that writes.
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

// NewWriter begins a recording of at most so many bytes; 0 is no limit. Storage that
// is a file must be open for appending. Close must be called.
func NewWriter(to Storage, maxBytes int64) (*Writer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
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

// Add takes an event, after the world has. The error is that of an earlier frame.
func (w *Writer) Add(e *event.Event, world *event.World) error {
	w.frame.add(e, world)
	if !w.frame.full() {
		return nil
	}
	// Beyond the batch before, to which this part does not belong.
	w.frame.end = max(w.frame.end+1, w.frame.time)
	w.handOver()
	return w.failure()
}

// EndBatch marks how far the stream has come with the events so far.
func (w *Writer) EndBatch(now event.Time) error {
	f := w.frame
	if f.begun {
		f.endBatch(now)
	}
	if f.events > 0 && now.Sub(f.begin) >= frameTime {
		w.handOver()
	}
	return w.failure()
}

// handOver gives the frame to be written and goes on with an empty one. It waits where
// the frame before is not written yet.
func (w *Writer) handOver() {
	f := w.frame
	next := <-w.empty
	next.reset(f.number+1, f.end, true, f.said)
	w.full <- f
	w.frame = next
}

// Close writes what is left and marks the recording as complete.
func (w *Writer) Close() error {
	if w.frame.events > 0 {
		w.handOver()
	}
	w.end = w.frame.end
	close(w.full)
	<-w.done
	return w.failure()
}

// Stats are safe to be asked for from any goroutine.
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

// write is the goroutine that writes, until no more frames come.
func (w *Writer) write() {
	defer close(w.done)
	for f := range w.full {
		if w.failure() == nil {
			w.writeFrame(f)
		}
		w.empty <- f
	}
	if err := w.failure(); err == nil || errors.Is(err, ErrFull) {
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

// seal completes the header with what is known of the compressed frame.
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
