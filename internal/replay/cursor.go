package replay

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Recording is a Source that can be rewound. It is for one goroutine.
type Recording interface {
	pipeline.Source
	// Rewind makes the next Read the first again.
	Rewind() error
	// Position returns the place of the next Read, and GoTo goes back to one. It is valid for
	// all readers of the same recording.
	Position() uint64
	GoTo(ctx context.Context, position uint64) error
	// Events returns how many there are.
	Events() int
	// Timeline returns the pieces of the recording in order, always the same.
	Timeline() []event.Span
	// Clock ties the stream's time to the wall clock.
	Clock() event.Clock
}

// cursor is a recording and the state of what has been played of it. It goes forward by whole
// batches, goes on from a checkpoint, or starts over, because a state cannot forget; it knows no
// clock.
type cursor struct {
	rec    Recording
	filter *filter.Filter
	tee    pipeline.Tee // gets all events that are played, and SpaceChanged; may be nil
	end    event.Time   // of the last piece

	state    *pipeline.State // nil before the first batch
	played   event.Time      // the last batch
	next     event.Batch
	position uint64 // of next
	last     bool   // nothing comes after next
	over     bool   // there is no next
	failed   uint64 // failures that were played, counted as in a Span
	// hasFailure says that the batch played last has a failure that the filter selects.
	hasFailure bool
}

// reset forgets what was played.
func (c *cursor) reset() {
	*c = cursor{rec: c.rec, filter: c.filter, tee: c.tee, end: c.end}
}

// rewind starts over before the first batch.
func (c *cursor) rewind(ctx context.Context) error {
	c.reset()
	if err := c.rec.Rewind(); err != nil {
		return err
	}
	return c.read(ctx)
}

// read reads one batch ahead: it shows how far the stream is quiet.
func (c *cursor) read(ctx context.Context) error {
	if c.last {
		c.over = true
		return nil
	}
	var err error
	c.position = c.rec.Position()
	c.next, err = c.rec.Read(ctx)
	// What comes with the end counts, too, and nothing comes after it.
	c.next.Now = min(c.next.Now, c.end)
	if c.last = errors.Is(err, io.EOF); c.last {
		c.over = len(c.next.Events) == 0
		return nil
	}
	return err
}

// due reports whether the state at a moment has the next batch in it.
func (c *cursor) due(at event.Time) bool { return !c.over && c.next.Now <= at }

// play adds the next batch.
func (c *cursor) play(ctx context.Context) error {
	if c.state == nil {
		c.state = pipeline.NewState(c.filter)
		c.state.WatchThresholds(c.tee != nil)
	}
	c.hasFailure = false
	c.played = c.next.Now
	err := c.state.Add(c.next, c.observe)
	return cmp.Or(err, c.read(ctx))
}

// observe is the pipeline.Tee.
func (c *cursor) observe(e *event.Event, world *event.World) error {
	if e.Kind == event.ConnectFail || e.Kind == event.BindFail {
		c.failed += max(e.Count, 1)
		c.hasFailure = c.hasFailure || !e.Flags.Has(event.NotSelected)
	}
	if c.tee != nil {
		return c.tee(e, world)
	}
	return nil
}

// snapshot returns the view at a moment at which nothing is due. A snapshot moves a state's
// time on, and an empty state's time begins with it: that one is not kept.
func (c *cursor) snapshot(at event.Time, focus ...snapshot.SpaceID) *snapshot.Snapshot {
	state := c.state
	if state == nil {
		state = pipeline.NewState(c.filter)
	}
	return state.Snapshot(at, focus...)
}
