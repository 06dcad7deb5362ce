package record

import (
	"context"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Fork returns another Reader of the same file, at its beginning. Each is for one goroutine.
// The file is not checked again.
func (r *Reader) Fork() (*Reader, error) {
	decoder, err := newZstd()
	if err != nil {
		return nil, err
	}
	index := *r.index
	index.frames = slices.Clone(index.frames)
	for i := range index.frames { // a Reader adds to the gaps
		if gap := index.frames[i].gap; gap != nil {
			own := *gap
			index.frames[i].gap = &own
		}
	}
	if index.tail != nil {
		own := *index.tail
		index.tail = &own
	}
	fork := newReader(r.files, &index, decoder)
	return fork, fork.Rewind()
}

// Position returns the place of the next Read, for GoTo of this Reader or of a fork.
func (r *Reader) Position() uint64 {
	if r.decoder.more() {
		return uint64(r.frame-1)<<32 | uint64(r.reads)
	}
	return uint64(r.frame) << 32
}

// GoTo makes the Read at a Position the next one.
func (r *Reader) GoTo(ctx context.Context, position uint64) error {
	frame, reads := int(position>>32), int(uint32(position))
	if frame > len(r.index.frames) {
		return fmt.Errorf("going to frame %d of %d", frame, len(r.index.frames))
	}
	r.goToFrame(frame)
	for range reads {
		if _, err := r.Read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// goToFrame makes a frame the next to be loaded.
func (r *Reader) goToFrame(frame int) {
	r.frame, r.reads, r.decoder, r.ended = frame, 0, decoder{}, false
	r.now, _ = r.Span()
	if frame > 0 {
		r.now = max(r.now, r.index.frames[frame-1].end)
	}
}

func newZstd() (*zstd.Decoder, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxRaw), zstd.WithDecoderMaxWindow(maxRaw))
	if err != nil {
		return nil, fmt.Errorf("preparing the decompression: %w", err)
	}
	return decoder, nil
}
