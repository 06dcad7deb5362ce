package record

import (
	"bytes"
	"io"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
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

// FuzzFrame has any bytes for what was compressed, so that the sums do not protect it. What is read of
// them can be shown, and is what is read when it has been written again.
func FuzzFrame(f *testing.F) {
	for _, raw := range recordedFrames(f) {
		f.Add(raw)
	}
	for seed := range uint64(4) {
		frame := newFrame()
		frame.reset(0, 0, false, true)
		for _, b := range randomBatches(seed, 3, 20) {
			frame.addAll(b)
		}
		f.Add(frame.append(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file := stored(raw, nil)
		through(t, file)
		requireSame(t, file)
	})
}

// recordedFrames returns some frames of each of the old recordings, decompressed.
func recordedFrames(f *testing.F) (frames [][]byte) {
	f.Helper()
	const every = 16
	names, err := filepath.Glob("testdata/versions/*.ptrace")
	if err != nil || len(names) == 0 {
		f.Fatal("no recordings", err)
	}
	for _, name := range names {
		r, file, err := OpenFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(r.index.frames); i += every {
			x := &r.index.frames[i]
			body := make([]byte, x.size)
			if _, err := file.ReadAt(body, x.at+headerSize); err != nil {
				f.Fatal(err)
			}
			raw, err := r.zstd.DecodeAll(body, nil)
			if err != nil {
				f.Fatal(err)
			}
			frames = append(frames, raw)
		}
		_ = file.Close() // it was only read
	}
	return frames
}

// requireSame fails if what is read of a file is not what is read when it has been written again.
func requireSame(t *testing.T, file []byte) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return
	}
	events, now := read(t, r)
	for i := range events {
		if err := export.NewJSON(io.Discard).Write(&events[i], export.Context{}); err != nil {
			t.Fatal(err)
		}
	}
	again, end := read(t, reader(t, write(t, []batch{{events, now}})))
	if !reflect.DeepEqual(events, again) || now != end {
		t.Errorf("%d events until %d are written and read again as %d until %d", len(events), now, len(again), end)
		for i := range min(len(events), len(again)) {
			if !reflect.DeepEqual(events[i], again[i]) {
				t.Fatalf("event %d is\n%+v\nand then\n%+v", i, events[i], again[i])
			}
		}
	}
}
