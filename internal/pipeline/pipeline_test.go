package pipeline

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// script is a Source that gives one batch after another, and then the last error
// together with the last batch.
type script struct {
	batches [][]event.Event
	last    error
	read    func(n int) // before each batch
	n       int
	buffer  []event.Event
}

func (s *script) Read(context.Context) (event.Batch, error) {
	if s.read != nil {
		s.read(s.n)
	}
	if s.n >= len(s.batches) {
		return event.Batch{}, io.EOF
	}
	// Events are valid until the next Read only.
	clear(s.buffer[:cap(s.buffer)])
	s.buffer = append(s.buffer[:0], s.batches[s.n]...)
	s.n++
	b := event.Batch{Events: s.buffer}
	if len(b.Events) > 0 {
		b.Now = b.Events[len(b.Events)-1].Time
	}
	if s.n == len(s.batches) {
		return b, s.last
	}
	return b, nil
}

var (
	shop = event.ProcID{PID: 100, Start: 1}
	curl = event.ProcID{PID: 200, Start: 2}
)

func open(at event.Time, p event.ProcID) event.Event {
	return event.Event{
		Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Proc: p, Count: 1,
		Src: event.Endpoint{Port: 40000}, Dst: event.Endpoint{Port: 80},
	}
}

func known(at event.Time, id event.ProcID, comm string) event.Event {
	return event.Event{Time: at, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: comm}}
}

func opens(n int) (events []event.Event) {
	for i := range n {
		events = append(events, open(event.Time(i+1), shop))
	}
	return events
}

// TestEnds: what was read before an end counts, whatever the end.
func TestEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		last error
		want error
	}{
		{"EOF after the last batch", nil, nil},
		{"EOF with the last batch", io.EOF, nil},
		{"interrupted", context.Canceled, nil},
		{"out of time", context.DeadlineExceeded, nil},
		{"broken", broken, broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			flushed := 0
			source := &script{batches: [][]event.Event{opens(2), {}, opens(3)}, last: tc.last}
			snap, err := Aggregate(t.Context(), source, Options{AfterBatch: func(event.Time) error { flushed++; return nil }})
			if !errors.Is(err, tc.want) || tc.want == nil && err != nil {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if snap.Totals.Opens != 5 || snap.At != 3 {
				t.Errorf("%d opens at %d", snap.Totals.Opens, snap.At)
			}
			if flushed < 3 {
				t.Errorf("flushed %d times", flushed)
			}
		})
	}
}

func TestFilterMarks(t *testing.T) {
	t.Parallel()
	f, err := filter.Parse(filter.Request{Comm: []string{"shop-api"}})
	if err != nil {
		t.Fatal(err)
	}
	var marks []bool
	var names []string
	source := &script{batches: [][]event.Event{
		{known(1, shop, "shop-api"), known(1, curl, "curl"), open(2, shop)},
		{open(3, curl), {Time: 3, Kind: event.Listen, Proc: curl}, open(3, event.ProcID{})},
	}}
	snap, err := Aggregate(t.Context(), source, Options{Filter: f, Tee: func(e *event.Event, w *event.World) error {
		marks = append(marks, e.Flags.Has(event.NotSelected))
		names = append(names, w.Process(e.Proc).Comm)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	// The tee sees all; what is no socket's is never left out.
	if want := []bool{false, false, false, true, false, true}; !slices.Equal(marks, want) {
		t.Errorf("marks %v, want %v", marks, want)
	}
	if want := []string{"", "", "shop-api", "curl", "curl", ""}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if snap.Totals.Opens != 1 || len(snap.Processes) != 1 || snap.Destinations[0].Opens != 3 {
		t.Errorf("%d opens, %d processes, %+v", snap.Totals.Opens, len(snap.Processes), snap.Destinations)
	}
}

func TestTeeStops(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	for _, tc := range []struct{ end, want error }{{ErrStop, nil}, {broken, broken}} {
		seen := 0
		source := &script{batches: [][]event.Event{opens(2), opens(2), opens(2)}}
		snap, err := Aggregate(t.Context(), source, Options{Tee: func(*event.Event, *event.World) error {
			if seen++; seen == 3 {
				return tc.end
			}
			return nil
		}})
		if !errors.Is(err, tc.want) || tc.want == nil && err != nil || seen != 3 || source.n != 2 {
			t.Errorf("error %v after %d events of %d batches", err, seen, source.n)
		}
		if snap.Totals.Opens != 4 {
			t.Errorf("%d opens", snap.Totals.Opens)
		}
	}
	// The rest of the batch is marked all the same.
	f, err := filter.Parse(filter.Request{PID: []string{strconv.Itoa(int(shop.PID))}})
	if err != nil {
		t.Fatal(err)
	}
	source := &script{batches: [][]event.Event{{open(1, shop), open(2, curl), open(3, shop)}}}
	snap, err := Aggregate(t.Context(), source, Options{Filter: f, Tee: func(*event.Event, *event.World) error { return ErrStop }})
	if err != nil || snap.Totals.Opens != 2 {
		t.Errorf("%d opens, error %v", snap.Totals.Opens, err)
	}
	_, err = Aggregate(t.Context(), &script{batches: [][]event.Event{opens(1)}}, Options{AfterBatch: func(event.Time) error { return broken }})
	if !errors.Is(err, broken) {
		t.Errorf("a failed flush gives %v", err)
	}
}

// TestLatestWins: a receiver that is late gets the newest snapshot, and the run does not
// wait for it.
func TestLatestWins(t *testing.T) {
	t.Parallel()
	snapshots := make(chan *snapshot.Snapshot, 1)
	source := &script{batches: [][]event.Event{opens(1), opens(1), opens(1)}}
	if _, err := Aggregate(t.Context(), source, Options{Snapshots: snapshots}); err != nil {
		t.Fatal(err)
	}
	if s := <-snapshots; s.Totals.Opens != 3 {
		t.Errorf("the snapshot has %d opens", s.Totals.Opens)
	}
	select {
	case <-snapshots:
		t.Error("there is one more")
	default:
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	snapshots := make(chan *snapshot.Snapshot, 1)
	source := &script{batches: slices.Repeat([][]event.Event{opens(1)}, 50)}
	if _, err := Aggregate(t.Context(), source, Options{Snapshots: snapshots, Every: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if s := <-snapshots; s.Totals.Opens != 1 {
		t.Errorf("the snapshot has %d opens: it is not the first one", s.Totals.Opens)
	}
}

// TestPublishWhileTaking has receivers at the channel while it is refilled.
func TestPublishWhileTaking(t *testing.T) {
	t.Parallel()
	const batches = 2000
	snapshots := make(chan *snapshot.Snapshot, 1)
	var receivers sync.WaitGroup
	for range 2 {
		receivers.Go(func() {
			var last uint64
			for s := range snapshots {
				if s.Totals.Opens < last {
					t.Errorf("%d opens after %d", s.Totals.Opens, last)
				}
				last = s.Totals.Opens
			}
		})
	}
	source := &script{batches: slices.Repeat([][]event.Event{opens(1)}, batches)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if snap, err := Aggregate(t.Context(), source, Options{Snapshots: snapshots}); err != nil || snap.Totals.Opens != batches {
			t.Errorf("%d opens, error %v", snap.Totals.Opens, err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the run waits for its receivers")
	}
	close(snapshots)
	receivers.Wait()
}
