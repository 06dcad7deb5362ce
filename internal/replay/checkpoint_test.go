package replay

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestJumpIsAsLive goes back and forth by checkpoints, one after each few batches.
func TestJumpIsAsLive(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 2))
		rec := eventful(random, 100)
		var f *filter.Filter
		if seed%2 == 1 {
			f = parse(t, filter.Request{Comm: []string{"shop-api"}})
		}
		watching(t, rec, Options{Filter: f}, func(s *seat) {
			kept := keepEach(t, s, rec.fork(), f, 7)
			s.TogglePause()
			rec.rewinds = 0
			for range 60 {
				i := random.IntN(len(rec.batches))
				for i+1 < len(rec.batches) && rec.batches[i+1].Now == rec.batches[i].Now {
					i++
				}
				to := rec.batches[i].Now
				s.Seek(to)
				if got, want := s.shown(), live(t, rec, i+1, f); !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d: after %d batches\n got %+v\nwant %+v", seed, i+1, got, want)
				}
				if s.Playback().At != to {
					t.Fatalf("seed %d: it stands at %+v", seed, s.Playback())
				}
			}
			if kept < 10 || rec.rewinds > 20 { // before the first checkpoint is no other way
				t.Errorf("%d checkpoints, %d rewinds", kept, rec.rewinds)
			}
		})
	}
}

// keepEach keeps a checkpoint after each few batches, with snapshots on the way.
func keepEach(t *testing.T, s *seat, rec *film, f *filter.Filter, each int) (kept int) {
	t.Helper()
	c := cursor{rec: rec, filter: f, end: s.Playback().End, tee: func(*event.Event, *event.World) error { return nil }}
	if err := c.rewind(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 1; !c.over; i++ {
		if err := c.play(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.snapshot(c.played)
		if i%each == 0 {
			s.kept.keep(c.checkpoint())
			kept++
		}
	}
	return kept
}

// TestFailureIsNotJumpedOver: on the way to a failure all is read.
func TestFailureIsNotJumpedOver(t *testing.T) {
	t.Parallel()
	rec := ticking(time.Minute)
	rec.failing(30*time.Second, curl)
	rec.failing(50*time.Second, shop)
	f := parse(t, filter.Request{PID: []string{"100"}})
	watching(t, rec, Options{Filter: f}, func(s *seat) {
		keepEach(t, s, rec.fork(), f, 7)
		s.NextIncident()
		s.stands(50*time.Second, 1000)
	})
}

// TestCheckpointsAreBounded: in number and in bytes, and they are evenly apart whatever their sizes
// are, so that no way back is much longer than the others.
func TestCheckpointsAreBounded(t *testing.T) {
	t.Parallel()
	const total, batch = 36_000_000, 500
	for name, size := range map[string]func(share float64) int{
		"small":  func(float64) int { return 1 },
		"as is":  func(float64) int { return 4 << 20 },
		"grow":   func(share float64) int { return 1<<20 + int(share*(8<<20)) },
		"shrink": func(share float64) int { return 9<<20 - int(share*(8<<20)) },
		"jump":   func(share float64) int { return 1<<20 + 8<<20*int(2*share) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c checkpoints
			c.expect(total)
			mean := 0
			for i := range 100 {
				mean += size(float64(i)/100) / 100
			}
			for played := batch; played <= total; played += batch {
				if c.due(batch) {
					c.keep(&checkpoint{at: event.Time(played), size: size(float64(played) / total)})
				}
				if len(c.kept) > maxKept || c.bytes > maxKeptBytes {
					t.Fatalf("%d are kept, of %d bytes", len(c.kept), c.bytes)
				}
			}
			even := total / min(maxKept, maxKeptBytes/max(mean, 1))
			longest, before := 0, 0
			for _, one := range append(c.kept, &checkpoint{events: total}) {
				longest, before = max(longest, one.events-before), one.events
			}
			if longest > 5*even/2 {
				t.Errorf("%d events between two, %d if all were evenly apart", longest, even)
			}
			for _, at := range []event.Time{-1, c.kept[0].at - 1, c.kept[0].at, c.kept[0].at + 1, 1 << 62} {
				if got := c.before(at); (got != nil) != (at >= c.kept[0].at) || got != nil && got.at > at {
					t.Errorf("before %d: got %+v", at, got)
				}
			}
		})
	}
}

// TestSmallRecordingHasCheckpoints: they are never nearer than what is replayed without delay.
func TestSmallRecordingHasCheckpoints(t *testing.T) {
	t.Parallel()
	var c checkpoints
	c.expect(10 * minSpacing)
	for range 10 * minSpacing / 1000 {
		if c.due(1000) {
			c.keep(&checkpoint{size: 1})
		}
	}
	if len(c.kept) != 10 {
		t.Errorf("%d are kept", len(c.kept))
	}
}

// TestSurveyBesideThePlayer: the first snapshot comes before it, and what it finds is shown.
func TestSurveyBesideThePlayer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := ticking(5 * time.Minute)
		second := rec.fork()
		started := make(chan struct{})
		second.read = func(n int) error {
			if n == 0 {
				<-started
			}
			time.Sleep(time.Microsecond)
			return nil
		}
		snapshots := make(chan *snapshot.Snapshot, 1)
		p := NewPlayer(rec, Options{Snapshots: snapshots, Every: time.Second, Survey: second})
		p.TogglePause()
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- p.Run(ctx) }()
		if first := <-snapshots; first.At != at(0) {
			t.Errorf("the first is at %d", first.At)
		}
		if now := p.Playback(); now.Surveyed != 0 || !p.Timeline().Rough {
			t.Errorf("it knows already: %+v", now)
		}
		close(started)
		shares := []float64{}
		for p.Playback().Surveyed < 1 {
			<-snapshots
			shares = append(shares, p.Playback().Surveyed)
		}
		if len(shares) < 10 || p.Timeline().Rough {
			t.Errorf("shown at %v", shares)
		}
		cancel() // it is still being judged
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}
