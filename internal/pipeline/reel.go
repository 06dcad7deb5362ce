package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/porttrace/porttrace/internal/aggregate"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Recording is a Source that can be begun anew. It is for one goroutine.
type Recording interface {
	Source
	// Rewind makes the next Read the first again.
	Rewind() error
	// Timeline is the pieces of the recording in order, always the same.
	Timeline() []event.Span
	// Clock ties the stream's time to the wall clock.
	Clock() event.Clock
}

// reel is a recording and the state of what has been played of it. It goes forward by
// whole batches or begins anew, because a state cannot forget; it knows no clock.
type reel struct {
	rec    Recording
	filter *filter.Filter
	end    event.Time       // of the last piece
	state  *aggregate.State // nil before the first batch
	world  event.World
	next   event.Batch
	last   bool   // nothing comes after next
	over   bool   // there is no next
	failed uint64 // failures that were played, counted as in a Span
	struck bool   // the batch played last has a failure that the filter selects
}

func (r *reel) begin(ctx context.Context) error {
	*r = reel{rec: r.rec, filter: r.filter, end: r.end}
	if err := r.rec.Rewind(); err != nil {
		return err
	}
	return r.read(ctx)
}

// read looks one batch ahead: it says how far the stream is quiet.
func (r *reel) read(ctx context.Context) error {
	if r.last {
		r.over = true
		return nil
	}
	var err error
	r.next, err = r.rec.Read(ctx)
	// What comes with the end counts, too, and nothing comes after it.
	r.next.Now = min(r.next.Now, r.end)
	if r.last = errors.Is(err, io.EOF); r.last {
		r.over = len(r.next.Events) == 0
		return nil
	}
	return err
}

// due reports whether the state at a moment has the next batch in it.
func (r *reel) due(at event.Time) bool { return !r.over && r.next.Now <= at }

// play adds the next batch.
func (r *reel) play(ctx context.Context) error {
	if r.state == nil {
		r.state = aggregate.New()
	}
	r.struck = false
	err := take(r.next, &r.world, Options{Filter: r.filter, Tee: r.watch})
	r.state.Add(r.next.Events)
	return cmp.Or(err, r.read(ctx))
}

// watch is the Tee that looks out for failures.
func (r *reel) watch(e *event.Event, _ *event.World) error {
	if e.Kind == event.ConnectFail || e.Kind == event.BindFail {
		r.failed += max(e.Count, 1)
		r.struck = r.struck || !e.Flags.Has(event.NotSelected)
	}
	return nil
}

// snapshot is the view at a moment when nothing is due. Asking a state for one moves
// its time on, and an empty state's time begins so: that one is not kept.
func (r *reel) snapshot(at event.Time) *snapshot.Snapshot {
	state := r.state
	if state == nil {
		state = aggregate.New()
	}
	return state.Snapshot(at)
}
