package kerneltest

import (
	"context"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// The live stream, the recording of it and one that was cut short keep the same contract, and
// have the same events.
func TestSources(t *testing.T) {
	const count = 5000
	n := newStormNetns(t)
	kept := &tape{Source: attach(t, live.Options{})}
	storm := spawn(t, n, "storm", &lab.Storm{Count: count})
	t.Run("live", func(t *testing.T) {
		got := countOpens(sourceContract(t, kept, storm.Done()), n)
		if got.opens > count || got.opens+got.health.Missed < count {
			t.Errorf("%d opens of %d: %+v", got.opens, count, got.health)
		}
	})
	var file memory
	if _, _, err := recordTo(t.Context(), &file, kept.replay(), pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Run("record", func(t *testing.T) {
		if got := sourceContract(t, file.reader(t), nil); !reflect.DeepEqual(got, kept.events(t)) {
			t.Errorf("%d events, recorded were %d", len(got), len(kept.events(t)))
		}
	})
	t.Run("cut short", func(t *testing.T) {
		file.Buffer.Truncate(file.Len() - 1)
		r := file.reader(t)
		got := sourceContract(t, r, nil)
		_, end := r.Span()
		checkCutOnly(t, r, end)
		checkPrefix(t, got[:len(got)-1], kept.events(t))
	})
}

// sourceContract checks the guarantees of a Source. It reads to the end, or until over is
// closed if the stream has none.
func sourceContract(t *testing.T, source pipeline.Source, over <-chan struct{}) []event.Event {
	t.Helper()
	c := contract{t: t, source: source}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.begin()
	for deadline := time.Now().Add(jobLimit); time.Now().Before(deadline); {
		// Whether the end of a context comes in between makes no difference to the stream.
		if err := c.read(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("with a context that has ended: %v", err)
		}
		select {
		case <-over:
			// What has happened up to now comes with the end of the context.
			_ = c.read(ended)
			return c.events
		default:
		}
		switch err := c.read(t.Context()); {
		case errors.Is(err, io.EOF):
			c.end()
			return c.events
		case err != nil:
			t.Fatal(err)
		}
	}
	t.Fatal("the stream did not end in time")
	return nil
}

// contract is a Source whose guarantees are checked.
type contract struct {
	t      *testing.T
	source pipeline.Source
	now    event.Time
	events []event.Event
}

// clockSkew is how far an event may be ahead of its batch: clocks of processors differ.
const clockSkew = time.Millisecond

func (c *contract) read(ctx context.Context) error {
	c.t.Helper()
	batch, err := c.source.Read(ctx)
	if batch.Now < c.now {
		c.t.Errorf("the stream goes back from %d to %d", c.now, batch.Now)
	}
	c.now = batch.Now
	for _, e := range batch.Events {
		if e.Time > c.now.Add(clockSkew) {
			c.t.Errorf("beyond %d, to which the stream has come: %+v", c.now, e)
		}
	}
	c.events = append(c.events, batch.Events...)
	return err
}

// begin reads the first batch, which must start with the clock, the host and the signals.
func (c *contract) begin() {
	c.t.Helper()
	noError(c.t, c.read(c.t.Context()))
	for i, kind := range []event.Kind{event.ClockAnchor, event.HostKnown, event.SignalsKnown} {
		if i >= len(c.events) || c.events[i].Kind != kind {
			c.t.Fatalf("event %d of the first %d is not of kind %d", i, len(c.events), kind)
		}
	}
}

// end checks that the end of the stream remains the end.
func (c *contract) end() {
	c.t.Helper()
	had := len(c.events)
	for range 2 {
		if err := c.read(c.t.Context()); !errors.Is(err, io.EOF) {
			c.t.Errorf("after the end: %v", err)
		}
	}
	if len(c.events) > had {
		c.t.Errorf("after the end came %+v", c.events[had:])
	}
}
