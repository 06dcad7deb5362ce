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

// Source is a stream of events: the live kernel, or a recording.
type Source interface {
	// Read waits for the next piece. It returns io.EOF at the end of the stream, and
	// the context's error when that ends first.
	Read(ctx context.Context) (event.Batch, error)
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
	// Prelude sees the events up to From, in place of the Tee.
	Prelude Tee
	// AfterBatch is called when the Tee has seen a batch: the time to flush. now is how
	// far the stream has come.
	AfterBatch func(now event.Time) error
	// Snapshots is sent a snapshot every Every, the newest in place of one that
	// nobody has taken yet. It has room for one.
	Snapshots chan *snapshot.Snapshot
	Every     time.Duration
	// From and To bound what is counted, in whole batches; 0: no bound. What comes up to
	// From only tells what exists by then: Tee, AfterBatch and Snapshots do not get it.
	From, To event.Time
}

// Run moves the stream along until its end, that of the window, an error, or the end of
// the context, which is none. It returns the last snapshot: at To where the stream goes
// beyond it, else of everything that was read.
func Run(ctx context.Context, source Source, opts Options) (*snapshot.Snapshot, error) {
	r := run{Options: opts, state: aggregate.New(), begun: opts.From == 0}
	for {
		batch, err := source.Read(ctx)
		if opts.To != 0 && batch.Now > opts.To {
			r.state.Add(lostBefore(opts.To, batch.Events))
			return r.end(opts.To), nil
		}
		// What was read before an end counts, too.
		if err = cmp.Or(r.add(batch), err); err != nil {
			return r.end(r.now), ending(err)
		}
		r.publish()
	}
}

// run is a stream on its way.
type run struct {
	Options
	state *aggregate.State
	world event.World
	now   event.Time // how far it has come
	begun bool       // it has come beyond From
	next  time.Time  // when to publish a snapshot
}

func (r *run) add(batch event.Batch) error {
	r.now = max(r.now, batch.Now)
	if r.now > r.From {
		r.begin()
	}
	opts := r.Options
	if !r.begun {
		opts.Tee, opts.AfterBatch = opts.Prelude, nil
	}
	err := take(batch, &r.world, opts)
	r.state.Add(batch.Events)
	return err
}

func (r *run) begin() {
	if !r.begun {
		r.begun = true
		r.state.Restart(r.From)
	}
}

// end is the last snapshot. A stream that has not come to From has nothing to count.
func (r *run) end(at event.Time) *snapshot.Snapshot {
	r.begin()
	return r.state.Snapshot(at)
}

func (r *run) publish() {
	if now := time.Now(); r.begun && r.Snapshots != nil && !now.Before(r.next) {
		publish(r.Snapshots, r.state.Snapshot(r.now))
		r.next = now.Add(r.Every)
	}
}

// lostBefore is what the first batch after a window tells of it: that a part is missing.
func lostBefore(to event.Time, events []event.Event) []event.Event {
	var lost []event.Event
	for _, e := range events {
		if gap, ok := e.Fact.(*event.Gap); ok && gap.Begin < to {
			e.Time = min(e.Time, to) // the state's time must not go beyond the window
			lost = append(lost, e)
		}
	}
	return lost
}

// take marks every event, because all of them are counted, also after the Tee has ended
// the run.
func take(batch event.Batch, world *event.World, opts Options) error {
	var err error
	for i := range batch.Events {
		e := &batch.Events[i]
		world.Apply(e)
		if (e.Kind.AboutSocket() || e.Kind == event.SocketFound) && opts.Filter != nil && !opts.Filter.Match(e, world.Process(e.Proc)) {
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
