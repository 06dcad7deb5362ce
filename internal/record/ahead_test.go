package record

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// source is a Reader or an Ahead.
type source interface {
	Read(context.Context) (event.Batch, error)
}

// readAll returns the batches up to the end of the file, and the error there.
func readAll(t *testing.T, from source) (list []batch, end error) {
	t.Helper()
	for {
		b, err := from.Read(t.Context())
		list = append(list, batch{slices.Clone(b.Events), b.Now})
		if err != nil {
			return list, err
		}
	}
}

// TestAhead: what is read ahead is what is read, of whole and of damaged files, and the end stays
// the end.
func TestAhead(t *testing.T) {
	t.Parallel()
	whole := write(t, storm(50_000, 20, 100)) // four frames
	damaged := slices.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	for name, file := range map[string][]byte{"whole": whole, "damaged": damaged, "truncated": whole[:len(whole)*2/3]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader(t, file)
			want, wantEnd := readAll(t, r)
			if got := count(want); name == "whole" && got != r.Events() {
				t.Errorf("%d events, it has %d", got, r.Events())
			}
			a := NewAhead(t.Context(), reader(t, file))
			defer a.Close()
			got, end := readAll(t, a)
			if !reflect.DeepEqual(got, want) || !errors.Is(end, io.EOF) || !errors.Is(wantEnd, io.EOF) {
				t.Errorf("%d batches and %v, want %d and %v", len(got), end, len(want), wantEnd)
			}
			if b, err := a.Read(t.Context()); len(b.Events) > 0 || !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %d events, %v", len(b.Events), err)
			}
		})
	}
}

// TestAheadCloses: it ends in the midst of a file, and when its context does.
func TestAheadCloses(t *testing.T) {
	t.Parallel()
	file := write(t, storm(20_000, 20, 100))
	r := reader(t, file)
	a := NewAhead(t.Context(), r)
	if _, err := a.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if err := r.Rewind(); err != nil { // the Reader is free again
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a = NewAhead(ctx, r)
	defer a.Close()
	cancel()
	for range 2 * aheadBatches {
		if _, err := a.Read(ctx); errors.Is(err, context.Canceled) {
			return
		}
	}
	t.Error("it reads on")
}
