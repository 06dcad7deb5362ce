// Package pipeline runs the one line from a source to the outputs:
//
//	source --> world --> filter --> tee --> table of sockets --> thresholds --> tee
//	              ^                               |          +-> rows --> snapshots
//	              +------ what a scan changes ----+
//
// It owns what is known of the host: the facts (event.World) and the one table of sockets
// (portspace.Table). Whatever a live scan has found is compared with that table here, and the
// differences go the same way as the events of the source, so that a recording needs no
// scans. It also owns the wall clock: how often a snapshot is made is decided here and
// nowhere else.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

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

// Tee is called with every event, those that a filter leaves out too, after the world has
// taken it in. It may end the run with ErrStop.
type Tee = func(e *event.Event, world *event.World) error

// ErrStop ends a run without being an error.
var ErrStop = errors.New("stop")

// Options of a run. All are optional.
type Options struct {
	Filter *filter.Filter
	Tee    Tee
	// Scans says that the Tee needs what scans of all sockets have found, and Thresholds that
	// it needs the events of the kind SpaceChanged, which follow from the stream.
	Scans, Thresholds bool
	// AfterBatch is called when the Tee has seen a batch: the time to flush. now is how
	// far the stream has come; at last To, if the stream goes beyond it.
	AfterBatch func(now event.Time) error
	// Head is set to what the run knows, for a Tee that begins in the middle of it.
	Head *Head
	// Snapshots is sent a snapshot every Every, the newest in place of one that was not
	// received yet; less often if nothing happens or one takes long, see pace. 0: after each
	// batch. It must have room for one.
	Snapshots chan *snapshot.Snapshot
	Every     time.Duration
	// Cost calls a function and returns what that took of a processor; nil: by the clock on the
	// wall, which on a busy host is more.
	Cost func(func()) time.Duration
	// Focus is which port spaces have a map in these snapshots besides those that have one anyway.
	Focus *snapshot.Focus
	// Observe is called with a snapshot whenever EveryStream of the stream's time has passed, so
	// that what it sees is a function of the stream alone: with the first batch by which it has
	// passed, hence not while nothing comes. The first is of the first batch counted. With Cost it is
	// called less often if a call takes long, see observeShare.
	Observe     func(*snapshot.Snapshot)
	EveryStream time.Duration
	// Wanted says whether a snapshot for Observe is needed now; nil: always. It is asked with each batch.
	Wanted func() bool
	// From and To bound what is counted, in whole batches; 0: no bound. What comes before
	// From only shows what exists by then: Tee, AfterBatch, Snapshots and Observe do not get it.
	From, To event.Time
	// Begin is called when counting begins, at From or before the first batch: what the Head has
	// then is what exists by then.
	Begin func(now event.Time) error
}

// Run moves the stream along until its end, that of the window, an error, or the end of the
// context, which is none. It keeps no rows: it is for readers of single events.
func Run(ctx context.Context, source Source, opts Options) error {
	r := newRun(opts, newState(opts.Filter, opts.Scans, opts.Thresholds))
	_, err := r.until(ctx, source)
	return err
}

// Aggregate does the same and keeps rows. It returns the last snapshot: at To if the stream
// goes beyond it, else of everything that was read.
func Aggregate(ctx context.Context, source Source, opts Options) (*snapshot.Snapshot, error) {
	state := NewState(opts.Filter)
	r := newRun(opts, state)
	at, err := r.until(ctx, source)
	r.begin() // a stream that has not come to From has nothing to count
	return state.Snapshot(at), err
}

// run is a stream on its way.
type run struct {
	Options
	state *State
	now   event.Time // how far it has come
	begun bool       // it has come beyond From
	pace  pace       // of the snapshots that are published
	due   event.Time // when to make one for Observe
	// observed is how many changes of sockets there had been when the last one for Observe was made.
	observed   uint64
	observedAt event.Time
}

func newRun(opts Options, state *State) *run {
	r := &run{Options: opts, state: state, begun: opts.From == 0}
	if opts.Head != nil {
		opts.Head.run = r
	}
	return r
}

// until returns the moment to which the stream was read.
func (r *run) until(ctx context.Context, source Source) (event.Time, error) {
	for {
		batch, err := source.Read(ctx)
		if r.To != 0 && batch.Now > r.To {
			r.addLostBefore(batch.Events)
			return r.To, r.endBatch(r.To)
		}
		// What was read before an end counts, too.
		if err = cmp.Or(r.add(batch), err); err != nil {
			return r.now, ending(err)
		}
		r.observe()
		r.publish()
	}
}

func (r *run) add(batch event.Batch) error {
	if err := r.beginBefore(batch.Now); err != nil {
		return err
	}
	r.now = max(r.now, batch.Now)
	if !r.begun {
		return r.state.Add(batch, nil)
	}
	if err := r.state.Add(batch, r.Tee); err != nil {
		return err
	}
	return r.endBatch(batch.Now)
}

func (r *run) endBatch(now event.Time) error {
	if !r.begun || r.AfterBatch == nil {
		return nil
	}
	return r.AfterBatch(now)
}

// beginBefore begins to count if the next batch, which ends at that time, counts.
func (r *run) beginBefore(next event.Time) error {
	if max(r.now, next) <= r.From && !r.begun {
		return nil
	}
	r.begin()
	if begin := r.Begin; begin != nil {
		r.Begin = nil
		return begin(r.now)
	}
	return nil
}

func (r *run) begin() {
	if !r.begun {
		r.begun = true
		r.now = max(r.now, r.From)
		r.state.restart(r.From)
	}
}

func (r *run) observe() {
	if !r.begun || r.Observe == nil || r.now < r.due || r.Wanted != nil && !r.Wanted() {
		return
	}
	changes, since := r.state.changes-r.observed, r.now.Sub(r.observedAt)
	r.observed, r.observedAt = r.state.changes, r.now
	cost, pause := r.cost(func() { r.Observe(r.state.Snapshot(r.now)) }), r.EveryStream
	if r.Cost != nil {
		pause = max(pause, min(shareOf(changes, since, observeShare)*cost, maxPause))
	}
	r.due = r.now.Add(pause)
}

func (r *run) publish() {
	if !r.begun || r.Snapshots == nil {
		return
	}
	now, focus := time.Now(), r.Focus.IDs()
	if !r.pace.due(now, r.Every, r.state.changes, focus) {
		return
	}
	cost := r.cost(func() { Publish(r.Snapshots, r.state.Snapshot(r.now, focus...)) })
	r.pace = pace{last: now, cost: cost, changes: r.state.changes, focus: focus}
}

func (r *run) cost(call func()) time.Duration {
	if r.Cost != nil {
		return r.Cost(call)
	}
	began := time.Now()
	call()
	return time.Since(began)
}

// addLostBefore takes what the first batch after a window says of the window: that a part is
// missing.
func (r *run) addLostBefore(events []event.Event) {
	for _, e := range events {
		if gap, ok := e.Fact.(*event.Gap); ok && gap.Begin < r.To {
			e.Time = min(e.Time, r.To) // the state's time must not go beyond the window
			r.state.add(&e, &output{})
		}
	}
}

// ending returns nil for those errors that end a run as it should end.
func ending(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, ErrStop) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Publish leaves the newest snapshot in the channel, which must have room for one.
func Publish(to chan *snapshot.Snapshot, s *snapshot.Snapshot) {
	select {
	case <-to:
	default:
	}
	to <- s
}
