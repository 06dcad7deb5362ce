package kerneltest

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// openLive opens the live stream with the hooks that the tests may use. It is the only
// place that does.
func openLive(opts live.Options) (*live.Source, error) {
	if opts.Probe.Hooks == nil {
		opts.Probe.Hooks = allowedHooks
	}
	return live.Open(opts)
}

// attach opens the live stream until the test ends.
func attach(t testing.TB, opts live.Options) *live.Source {
	t.Helper()
	needKernel(t)
	opts.Probe.KeepTypes = true
	source, err := openLive(opts)
	noError(t, err)
	t.Cleanup(source.Close)
	return source
}

// stream runs the pipeline to the end of the source or of the context, without rows.
func stream(ctx context.Context, source pipeline.Source, opts pipeline.Options) error {
	return pipeline.Run(ctx, source, opts)
}

// aggregate does the same with rows, and returns the last snapshot.
func aggregate(ctx context.Context, source pipeline.Source, opts pipeline.Options) (*snapshot.Snapshot, error) {
	return pipeline.Aggregate(ctx, source, opts)
}

// recordTo records what the filter selects, as porttrace record does. The error is also
// that of the storage.
func recordTo(ctx context.Context, to record.Storage, source pipeline.Source, opts pipeline.Options) (*snapshot.Snapshot, record.Stats, error) {
	writer, err := record.NewWriter(to, 0)
	if err != nil {
		return nil, record.Stats{}, err
	}
	opts.AfterBatch = writer.EndBatch
	opts.Tee = func(e *event.Event, world *event.World) error {
		if e.Flags.Has(event.NotSelected) {
			return nil
		}
		return writer.Add(e, world)
	}
	snap, err := aggregate(ctx, source, opts)
	err = errors.Join(err, writer.Close())
	return snap, writer.Stats(), err
}

// readAll returns the events of a recording.
func readAll(t *testing.T, r *record.Reader) (events []event.Event) {
	t.Helper()
	tee := func(e *event.Event, _ *event.World) error {
		events = append(events, *e)
		return nil
	}
	if err := stream(t.Context(), r, pipeline.Options{Tee: tee}); err != nil {
		t.Fatal(err)
	}
	return events
}

// awaitSnapshot returns the first snapshot that is accepted; nil if the context ends before.
func awaitSnapshot(ctx context.Context, shown <-chan *snapshot.Snapshot, accept func(*snapshot.Snapshot) bool) *snapshot.Snapshot {
	for {
		select {
		case s := <-shown:
			if accept(s) {
				return s
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// tape is a Source that keeps what it passes on.
type tape struct {
	pipeline.Source
	batches []event.Batch
}

func (t *tape) Read(ctx context.Context) (event.Batch, error) {
	batch, err := t.Source.Read(ctx)
	kept := batch
	kept.Events = slices.Clone(batch.Events)
	if batch.Scan != nil {
		scan := event.Scan{At: batch.Scan.At, Netns: slices.Clone(batch.Scan.Netns)}
		for i := range scan.Netns {
			scan.Netns[i].Sockets = copied(&batch.Scan.Netns[i].Sockets)
		}
		kept.Scan = &scan
	}
	t.batches = append(t.batches, kept)
	return batch, err
}

// copied returns a list that does not change with the other one.
func copied(from *event.FoundList) (list event.FoundList) {
	for _, s := range from.All() {
		list.Add(&s)
	}
	return list
}

// events returns the stream as the pipeline sends it on: with the differences that its scans
// have found.
func (t *tape) events(tb testing.TB) (all []event.Event) {
	tb.Helper()
	tee := func(e *event.Event, _ *event.World) error {
		all = append(all, *e)
		return nil
	}
	noError(tb, stream(tb.Context(), t.replay(), pipeline.Options{Tee: tee, Scans: true}))
	return all
}

// replay returns a Source of what was kept.
func (t *tape) replay() pipeline.Source {
	left := t.batches
	return sourceFunc(func(context.Context) (event.Batch, error) {
		if len(left) == 0 {
			return event.Batch{}, io.EOF
		}
		batch := left[0]
		left = left[1:]
		batch.Events = slices.Clone(batch.Events)
		return batch, nil
	})
}

type sourceFunc func(context.Context) (event.Batch, error)

func (f sourceFunc) Read(ctx context.Context) (event.Batch, error) { return f(ctx) }

// monotonic returns the time by the clock of the stream.
func monotonic() event.Time { return event.Time(linux.Monotonic()) }
