package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestSegment: the facts of a process that came before the recording are in it once, before the
// first event that names the process.
func TestSegment(t *testing.T) {
	t.Parallel()
	ids := []event.ProcID{{PID: 1, Start: 1}, {PID: 2, Start: 1}, {PID: 3, Start: 1}, {PID: 4, Start: 1}}
	var world event.World
	for i, comm := range []string{"owner", "listener", "idle"} {
		world.Apply(&event.Event{Kind: event.ProcessKnown, Fact: &event.Process{ID: ids[i], Comm: comm}})
	}
	world.Apply(&event.Event{Kind: event.HealthKnown, Fact: &event.Health{Lost: 5, Events: 100}})

	var file bytes.Buffer
	segment, err := NewSegment(Pipe{&file}, 0)
	if err != nil {
		t.Fatal(err)
	}
	open := event.Event{Time: 10, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Proc: ids[0], Count: 1}
	accepted := event.Event{Time: 11, Kind: event.Close, Direction: event.In, Proto: event.TCP, Proc: ids[3], Listener: ids[1], Count: 1}
	health := event.Event{Time: 12, Kind: event.HealthKnown, Fact: &event.Health{Lost: 6, Events: 150, Memory: 7}}
	udp := event.Event{Time: 13, Kind: event.UDPCounted, Fact: &event.UDPUse{Holders: []event.UDPHolder{{Proc: ids[0]}, {Proc: ids[1]}}}}
	for _, e := range []event.Event{open, open, accepted, health, udp} {
		world.Apply(&e)
		if err := errors.Join(segment.Add(&e, &world), segment.EndBatch(e.Time)); err != nil {
			t.Fatal(err)
		}
	}
	if err := segment.Close(); err != nil {
		t.Fatal(err)
	}

	var kinds []event.Kind
	var described []string
	for _, e := range readEvents(t, file.Bytes()) {
		kinds = append(kinds, e.Kind)
		switch fact := e.Fact.(type) {
		case *event.Process:
			described = append(described, fact.Comm)
		case *event.Health:
			if *fact != (event.Health{Lost: 6, Events: 150, Memory: 7}) {
				t.Errorf("health %+v", *fact)
			}
		}
	}
	want := []event.Kind{event.ProcessKnown, event.Open, event.Open, event.ProcessKnown, event.Close, event.HealthKnown, event.UDPCounted}
	if !slices.Equal(kinds, want) || !slices.Equal(described, []string{"owner", "listener"}) {
		t.Errorf("kinds %v, want %v; described %v", kinds, want, described)
	}
	if fact := health.Fact.(*event.Health); fact.Lost != 6 {
		t.Errorf("the run's own account has changed: %+v", fact)
	}
}

func readEvents(t *testing.T, file []byte) (events []event.Event) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for {
		batch, err := r.Read(context.Background())
		events = append(events, batch.Events...)
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// stuck is storage that takes nothing until goOn is closed.
type stuck struct {
	memory
	goOn chan struct{}
}

func (s *stuck) Sync() error {
	<-s.goOn
	return nil
}

// TestSlowDisk: a segment does not wait for the disk, but gives up when a frame is full, and what
// was written is a whole recording.
func TestSlowDisk(t *testing.T) {
	t.Parallel()
	disk := &stuck{goOn: make(chan struct{})}
	segment, err := NewSegment(disk, 0)
	if err != nil {
		t.Fatal(err)
	}
	segment.patience = time.Millisecond
	var world event.World
	e := event.Event{Time: 1, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Count: 1}
	added := 0
	for err == nil && added < 3*fullEvents {
		e.Time = e.Time.Add(time.Second)
		err = errors.Join(segment.Add(&e, &world), segment.EndBatch(e.Time))
		added++
	}
	if !errors.Is(err, ErrSlow) || added != 2+fullEvents { // the first frame has two
		t.Fatalf("%d events, %v", added, err)
	}
	close(disk.goOn)
	if err := segment.Close(); !errors.Is(err, ErrSlow) {
		t.Errorf("%v", err)
	}
	if events := readEvents(t, disk.Bytes()); len(events) != 2 {
		t.Errorf("%d events were written", len(events))
	}
	r, err := NewReader(bytes.NewReader(disk.Bytes()), int64(disk.Len()))
	if err != nil || len(r.Gaps()) > 0 {
		t.Errorf("%v, gaps %v", err, r.Gaps())
	}
}

// BenchmarkSegment is BenchmarkWrite of a part of a run, whose processes are described before.
func BenchmarkSegment(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			batches := storm(100_000, load.processes, load.destinations)
			for b.Loop() {
				writeSegment(b, batches)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(count(batches)), "ns/event")
		})
	}
}

func writeSegment(b *testing.B, batches []batch) {
	b.Helper()
	var world event.World
	for i := range batches[0].events {
		world.Apply(&batches[0].events[i])
	}
	segment, err := NewSegment(&memory{}, 0)
	for _, one := range batches[1:] {
		for i := range one.events {
			err = errors.Join(err, segment.Add(&one.events[i], &world))
		}
		err = errors.Join(err, segment.EndBatch(one.now))
	}
	if err = errors.Join(err, segment.Close()); err != nil {
		b.Fatal(err)
	}
}
