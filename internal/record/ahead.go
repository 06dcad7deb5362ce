package record

import (
	"context"

	"github.com/porttrace/porttrace/internal/event"
)

// aheadBatches is how many batches are read before they are wanted: about a megabyte.
const aheadBatches = 4

// Ahead is a source that has a Reader read in a goroutine of its own, a few batches ahead, so that
// the decompression and decoding of what comes next take another processor than what is done with
// the events. It is for one goroutine.
type Ahead struct {
	stop    context.CancelFunc
	decoded chan decoded // closed when the goroutine ends
	free    chan []event.Event
	last    decoded // what Read returned last
}

type decoded struct {
	event.Batch
	err error
}

// NewAhead begins to read. The Reader must not be used until Close returns, which must be called.
func NewAhead(ctx context.Context, r *Reader) *Ahead {
	ctx, stop := context.WithCancel(ctx)
	a := &Ahead{stop: stop, decoded: make(chan decoded, aheadBatches), free: make(chan []event.Event, aheadBatches)}
	a.free <- r.events
	for range aheadBatches - 1 {
		a.free <- make([]event.Event, 0, batchSize)
	}
	go a.run(ctx, r)
	return a
}

// Close ends the reading and waits for that.
func (a *Ahead) Close() {
	a.stop()
	for range a.decoded { // until it is closed
	}
}

func (a *Ahead) run(ctx context.Context, r *Reader) {
	defer close(a.decoded)
	for err := error(nil); err == nil; {
		select {
		case <-ctx.Done():
			return
		case r.events = <-a.free:
		}
		var batch event.Batch
		batch, err = r.Read(ctx)
		select {
		case <-ctx.Done():
			return
		case a.decoded <- decoded{batch, err}:
		}
	}
}

// Read returns what the Reader's Read returned. The events are valid until the next Read.
func (a *Ahead) Read(ctx context.Context) (event.Batch, error) {
	if a.last.err != nil {
		return event.Batch{Now: a.last.Now}, a.last.err
	}
	if a.last.Events != nil {
		a.free <- a.last.Events[:0]
		a.last.Events = nil
	}
	select {
	case <-ctx.Done():
		return event.Batch{Now: a.last.Now}, ctx.Err()
	case one, open := <-a.decoded:
		if !open { // the context of NewAhead has ended
			one = decoded{event.Batch{Now: a.last.Now}, context.Canceled}
		}
		a.last = one
		return one.Batch, one.err
	}
}
