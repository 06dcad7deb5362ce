// Package pipeline runs the one line from a source to the outputs:
//
//	source --> filter --> tee (events, later record) --> aggregate --> snapshots
//
// It owns the wall clock: how often a snapshot is made is decided here and nowhere else.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"github.com/porttrace/porttrace/internal/aggregate"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Batch is the next piece of a stream.
type Batch struct {
	Events []event.Event // valid until the next Read
	Now    event.Time    // how far the stream has come
}

// Source is a stream of events: the live kernel, or a recording.
type Source interface {
	// Read waits for the next piece. It returns io.EOF at the end of the stream, and
	// the context's error when that ends first.
	Read(ctx context.Context) (Batch, error)
}

// Tee sees every event, those that a filter leaves out too, after the world has taken
// it in. It may end the run with ErrStop.
type Tee func(e *event.Event, world *event.World) error

// ErrStop ends a run without being an error.
var ErrStop = errors.New("stop")

// Options of a run. All are optional.
type Options struct {
	Filter *filter.Filter
	Tee    Tee
	// AfterBatch is called when the Tee has seen a batch: the time to flush. now is how
	// far the stream has come.
	AfterBatch func(now event.Time) error
	// Snapshots is sent a snapshot every Every, the newest in place of one that
	// nobody has taken yet. It has room for one.
	Snapshots chan *snapshot.Snapshot
	Every     time.Duration
}

// Run moves the stream along until its end, an error, or the end of the context, which
// is none. It returns the last snapshot, of everything that was read.
func Run(ctx context.Context, source Source, opts Options) (*snapshot.Snapshot, error) {
	state := aggregate.New()
	var world event.World
	var next time.Time
	for {
		// What was read before an end counts, too.
		batch, err := source.Read(ctx)
		err = cmp.Or(take(batch, &world, opts), err)
		state.Add(batch.Events)
		if err != nil {
			return state.Snapshot(batch.Now), ending(err)
		}
		if now := time.Now(); opts.Snapshots != nil && !now.Before(next) {
			publish(opts.Snapshots, state.Snapshot(batch.Now))
			next = now.Add(opts.Every)
		}
	}
}

// take marks every event, because all of them are counted, also after the Tee has ended
// the run.
func take(batch Batch, world *event.World, opts Options) error {
	var err error
	for i := range batch.Events {
		e := &batch.Events[i]
		world.Apply(e)
		if e.Kind.AboutSocket() && opts.Filter != nil && !opts.Filter.Match(e, world.Process(e.Proc)) {
			e.Flags |= event.NotSelected
		}
		if opts.Tee != nil && err == nil {
			err = opts.Tee(e, world)
		}
	}
	if err == nil && opts.AfterBatch != nil {
		err = opts.AfterBatch(batch.Now)
	}
	return err
}

func ending(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, ErrStop) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// publish leaves the newest snapshot in the channel.
func publish(to chan *snapshot.Snapshot, s *snapshot.Snapshot) {
	select {
	case <-to:
	default:
	}
	to <- s
}
