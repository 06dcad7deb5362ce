package pipeline_test

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

type src struct{ b []pipeline.Batch; n int }

func (s *src) Read(context.Context) (pipeline.Batch, error) {
	if s.n == len(s.b) {
		return pipeline.Batch{Now: s.b[len(s.b)-1].Now}, io.EOF
	}
	s.n++
	b := s.b[s.n-1]
	b.Events = slices.Clone(b.Events)
	return b, nil
}

func TestScratch(t *testing.T) {
	shop := event.ProcID{PID: 100, Start: 1}
	now := event.Time(time.Second)
	batches := []pipeline.Batch{{Events: []event.Event{
		{Time: now, Kind: event.ClockAnchor, Fact: event.Clock{Mono: now, Wall: 1e18, Boot: 5}},
		{Time: now, Kind: event.HostKnown, Fact: &event.Host{Name: "box"}},
		{Time: now, Kind: event.ProcessKnown, Fact: &event.Process{ID: shop, Comm: "shop"}},
	}, Now: now + 1e6}}
	now += 1e6
	for i := range 40 {
		n := 10
		if i%7 == 3 {
			n = 30000
		}
		var ev []event.Event
		for j := range n {
			e := event.Event{Time: now + event.Time(j+1)*1000, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Proc: shop, Count: 1, Dst: event.Endpoint{Port: 80}}
			if j%5 == 0 {
				e.Kind, e.Op, e.Errno = event.ConnectFail, event.OpConnect, 111
			}
			ev = append(ev, e)
		}
		now += 50e6
		batches = append(batches, pipeline.Batch{Events: ev, Now: now})
	}
	var file bytes.Buffer
	w, err := record.NewWriter(record.Pipe{Writer: &file}, 0)
	if err != nil { t.Fatal(err) }
	if _, err := pipeline.Run(t.Context(), &src{b: batches}, pipeline.Options{Tee: func(e *event.Event, world *event.World) error { return w.Add(e, world) }, AfterBatch: w.EndBatch}); err != nil { t.Fatal(err) }
	if err := w.Close(); err != nil { t.Fatal(err) }
	r, err := record.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil { t.Fatal(err) }
	for _, s := range r.Timeline() { t.Logf("%+v", s) }
	synctest.Test(t, func(t *testing.T) {
		ch := make(chan *snapshot.Snapshot, 1)
		p := pipeline.NewPlayer(r, pipeline.Options{Snapshots: ch, Every: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		go p.Run(ctx)
		p.TogglePause()
		synctest.Wait()
		<-ch
		for i := range batches {
			want, _ := pipeline.Run(t.Context(), &src{b: batches[:i+1]}, pipeline.Options{})
			p.Seek(batches[i].Now)
			synctest.Wait()
			got := <-ch
			if !reflect.DeepEqual(got, want) {
				t.Errorf("batch %d: got %d opens at %d, want %d at %d", i, got.Totals.Opens, got.At, want.Totals.Opens, want.At)
			}
		}
		p.Seek(0); synctest.Wait(); <-ch
		for range 45 {
			p.NextFailure(); synctest.Wait()
			s := <-ch
			t.Log(s.At, s.Totals.ConnectFailures, s.Totals.Opens)
		}
	})
}
