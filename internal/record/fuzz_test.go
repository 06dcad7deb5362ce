package record

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/porttrace/porttrace/internal/pipeline"
)

// through reads a file into snapshots, as every command does.
func through(t *testing.T, file []byte) {
	r, err := NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return
	}
	r.Timeline()
	begin, end := r.Span()
	snap, err := pipeline.Run(t.Context(), r, pipeline.Options{From: begin + (end-begin)/2})
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if len(r.Gaps()) > 0 && snap.Complete() {
		t.Fatal("it has gaps, and the snapshot is complete")
	}
}

// FuzzFile has any bytes for a file.
func FuzzFile(f *testing.F) {
	f.Add(write(f, randomBatches(1, 20, 10)))
	f.Add(write(f, nil))
	f.Fuzz(through)
}

// FuzzFrame has any bytes for what was compressed, so that the sums do not protect it.
func FuzzFrame(f *testing.F) {
	for seed := range uint64(4) {
		frame := newFrame()
		frame.reset(0, 0, false)
		for _, b := range randomBatches(seed, 3, 20) {
			frame.addAll(b)
		}
		f.Add(frame.append(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { through(t, stored(raw, nil)) })
}
