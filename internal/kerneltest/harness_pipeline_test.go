package kerneltest

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// attach opens the live stream of the whole host.
func attach(t *testing.T) *live.Source {
	t.Helper()
	source, err := live.Open(live.Options{Probe: probe.Options{Hooks: hooks(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return source
}

// recordTo records the stream, as porttrace record does. The error is also that of the
// storage.
func recordTo(ctx context.Context, to record.Storage, source pipeline.Source, opts pipeline.Options) (*snapshot.Snapshot, record.Stats, error) {
	writer, err := record.NewWriter(to, 0)
	if err != nil {
		return nil, record.Stats{}, err
	}
	opts.Tee, opts.AfterBatch = writer.Add, writer.EndBatch
	snap, err := pipeline.Run(ctx, source, opts)
	err = errors.Join(err, writer.Close())
	return snap, writer.Stats(), err
}

// tape is a Source that keeps what it passes on.
type tape struct {
	pipeline.Source
	batches []pipeline.Batch
}

func (t *tape) Read(ctx context.Context) (pipeline.Batch, error) {
	batch, err := t.Source.Read(ctx)
	t.batches = append(t.batches, pipeline.Batch{Events: slices.Clone(batch.Events), Now: batch.Now})
	return batch, err
}

func (t *tape) events() []event.Event {
	var all []event.Event
	for _, b := range t.batches {
		all = append(all, b.Events...)
	}
	return all
}

// newStormNetns makes a namespace for a storm.
func newStormNetns(t testing.TB) *lab.Netns {
	t.Helper()
	n, err := lab.NewStormNetns()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// monotonic is the clock of the stream.
func monotonic() event.Time {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails only for a clock that does not exist
	return event.Time(ts.Nano())
}

// replay is the Source of what was kept.
func (t *tape) replay() pipeline.Source {
	left := t.batches
	return sourceFunc(func(context.Context) (pipeline.Batch, error) {
		if len(left) == 0 {
			return pipeline.Batch{}, io.EOF
		}
		batch := left[0]
		left = left[1:]
		return pipeline.Batch{Events: slices.Clone(batch.Events), Now: batch.Now}, nil
	})
}

type sourceFunc func(context.Context) (pipeline.Batch, error)

func (f sourceFunc) Read(ctx context.Context) (pipeline.Batch, error) { return f(ctx) }
