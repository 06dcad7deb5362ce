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
	"github.com/porttrace/porttrace/internal/pipeline"
)

// The live stream, the recording of it and one that was cut short keep one contract, and
// tell the same.
func TestSources(t *testing.T) {
	needKernel(t)
	const count = 5000
	n := newStormNetns(t)
	kept := &tape{Source: attach(t)}
	storm := spawn(t, n, "storm", &lab.Storm{Count: count})
	t.Run("live", func(t *testing.T) {
		var sum tally
		var health event.Health
		for _, e := range sourceContract(t, kept, storm.Done()) {
			if e.Netns == n.Inode() {
				sum.add(&e)
			}
			if h, ok := e.Fact.(*event.Health); ok {
				health = *h
			}
		}
		if sum.opens > count || sum.opens+health.Missed < count {
			t.Errorf("%d opens of %d: %+v", sum.opens, count, health)
		}
	})
	var file memory
	if _, _, err := recordTo(t.Context(), &file, kept.replay(), pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Run("record", func(t *testing.T) {
		if got := sourceContract(t, file.reader(t), nil); !reflect.DeepEqual(got, kept.events()) {
			t.Errorf("%d events, recorded were %d", len(got), len(kept.events()))
		}
	})
	t.Run("cut short", func(t *testing.T) {
		file.Buffer.Truncate(file.Len() - 1)
		r := file.reader(t)
		got := sourceContract(t, r, nil)
		_, end := r.Span()
		checkCutOnly(t, r, end)
		checkPrefix(t, got[:len(got)-1], kept.events())
	})
}

// sourceContract checks what whoever reads a Source relies on. It reads to the end, and a
// stream that has none until over is closed.
func sourceContract(t *testing.T, source pipeline.Source, over <-chan struct{}) []event.Event {
	t.Helper()
	c := contract{t: t, source: source}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.begin()
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); {
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
	t.Fatal("it has no end")
	return nil
}

// contract is a Source under observation.
type contract struct {
	t      *testing.T
	source pipeline.Source
	now    event.Time
	events []event.Event
}

// soon is by how much an event may be ahead of its batch: clocks of processors differ.
const soon = time.Millisecond

func (c *contract) read(ctx context.Context) error {
	c.t.Helper()
	batch, err := c.source.Read(ctx)
	if batch.Now < c.now {
		c.t.Errorf("the stream goes back from %d to %d", c.now, batch.Now)
	}
	c.now = batch.Now
	for _, e := range batch.Events {
		if e.Time > c.now.Add(soon) {
			c.t.Errorf("beyond %d, to which the stream has come: %+v", c.now, e)
		}
	}
	c.events = append(c.events, batch.Events...)
	return err
}

// begin reads the first batch, which says first where it was made.
func (c *contract) begin() {
	c.t.Helper()
	if err := c.read(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	for i, kind := range []event.Kind{event.ClockAnchor, event.HostKnown, event.SignalsKnown} {
		if i >= len(c.events) || c.events[i].Kind != kind {
			c.t.Fatalf("event %d of the first %d is not of kind %d", i, len(c.events), kind)
		}
	}
}

// end is after the end, which remains the end.
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
