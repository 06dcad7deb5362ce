package record

import (
	"bytes"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// through reads a file into snapshots, as every command does: the whole, and a window.
func through(t *testing.T, file []byte) {
	r, err := NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return
	}
	r.Timeline()
	begin, end := r.Span()
	for _, from := range []event.Time{0, begin + (end-begin)/2} {
		snap, err := pipeline.Aggregate(t.Context(), r, pipeline.Options{From: from})
		if err != nil {
			t.Fatal(err)
		}
		if from == 0 && snap.Complete() && len(r.Gaps()) > 0 {
			t.Fatal("it has gaps, and the snapshot is complete")
		}
		if err := r.Rewind(); err != nil {
			t.Fatal(err)
		}
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
		frame.reset(0, 0, false, true)
		for _, b := range randomBatches(seed, 3, 20) {
			frame.addAll(b)
		}
		f.Add(frame.append(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { through(t, stored(raw, nil)) })
}
