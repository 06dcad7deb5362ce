package replay

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// seat is a player that runs, with a reader of its snapshots.
type seat struct {
	*Player
	t      *testing.T
	cancel context.CancelFunc
	ran    chan error
}

// watching plays the recording in a bubble where time passes only while all sleep.
func watching(t *testing.T, rec Recording, opts Options, test func(s *seat)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts.Snapshots = make(chan *snapshot.Snapshot, 1)
		if opts.Every == 0 {
			opts.Every = 500 * time.Millisecond
		}
		ctx, cancel := context.WithCancel(t.Context())
		s := &seat{Player: NewPlayer(rec, opts), t: t, cancel: cancel, ran: make(chan error, 1)}
		go func() { s.ran <- s.Run(ctx) }()
		defer synctest.Wait()
		defer cancel()
		test(s)
	})
}

// shown returns what was published since the last call; nil if nothing was.
func (s *seat) shown() *snapshot.Snapshot {
	synctest.Wait()
	select {
	case snap := <-s.opts.Snapshots:
		return snap
	default:
		return nil
	}
}

// stands checks what is on the screen, which has to be new.
func (s *seat) stands(since time.Duration, opens uint64) {
	s.t.Helper()
	snap := s.shown()
	if snap == nil {
		s.t.Fatalf("nothing was published; it stands at %v", s.Playback())
	}
	if snap.At != at(since) || snap.Totals.Opens != opens || s.Playback().At != at(since) {
		s.t.Fatalf("%d opens at %d, want %d at %d; it stands at %d",
			snap.Totals.Opens, snap.At, opens, at(since), s.Playback().At)
	}
}

// live returns the snapshot of a live run at the end of a batch.
func live(t *testing.T, rec *film, batches int, f *filter.Filter) *snapshot.Snapshot {
	t.Helper()
	cut := newFilm(rec.batches[:batches]...)
	last := cut.batches[batches-1]
	source := sourceFunc(func(ctx context.Context) (event.Batch, error) {
		batch, err := cut.Read(ctx)
		if errors.Is(err, io.EOF) {
			batch.Now = last.Now
		}
		return batch, err
	})
	snap, err := pipeline.Aggregate(t.Context(), source, pipeline.Options{Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

type sourceFunc func(context.Context) (event.Batch, error)

func (f sourceFunc) Read(ctx context.Context) (event.Batch, error) { return f(ctx) }

func parse(t *testing.T, request filter.Request) *filter.Filter {
	t.Helper()
	f, err := filter.Parse(request)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPlays(t *testing.T) {
	t.Parallel()
	rec := ticking(10 * time.Second)
	watching(t, rec, Options{}, func(s *seat) {
		s.stands(0, 0)
		want := playback.State{Begin: at(0), End: at(10 * time.Second), At: at(0), Clock: rec.Clock(), Speed: 1}
		got := s.Playback()
		got.Target = 0
		if got != want {
			t.Errorf("it begins with %+v, want %+v", got, want)
		}
		time.Sleep(499 * time.Millisecond)
		if s.shown() != nil {
			t.Error("published too early")
		}
		time.Sleep(time.Millisecond)
		s.stands(500*time.Millisecond, 10)
		time.Sleep(9499 * time.Millisecond)
		if now := s.Playback(); now.Ended() {
			t.Error("it has ended too early")
		}
		time.Sleep(time.Millisecond)
		s.stands(10*time.Second, 200)
		time.Sleep(time.Hour)
		if now := s.Playback(); !now.Ended() || now.Paused || s.shown() != nil {
			t.Errorf("after the end: %+v", now)
		}
		// The end is not the end.
		s.Seek(at(time.Second))
		s.stands(time.Second, 20)
		time.Sleep(time.Second)
		s.stands(2*time.Second, 40)
		s.cancel()
		if err := <-s.ran; err != nil {
			t.Error(err)
		}
	})
}

// TestEndIsShown: the end is published when it is reached, in the midst of Every.
func TestEndIsShown(t *testing.T) {
	t.Parallel()
	watching(t, ticking(750*time.Millisecond), Options{}, func(s *seat) {
		time.Sleep(500 * time.Millisecond)
		s.stands(500*time.Millisecond, 10)
		time.Sleep(250 * time.Millisecond)
		s.stands(750*time.Millisecond, 15)
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	watching(t, ticking(10*time.Second), Options{}, func(s *seat) {
		time.Sleep(1230 * time.Millisecond)
		s.TogglePause()
		s.stands(1230*time.Millisecond, 24)
		time.Sleep(time.Hour)
		if s.shown() != nil || !s.Playback().Paused {
			t.Error("it goes on")
		}
		s.TogglePause()
		s.stands(1230*time.Millisecond, 24)
		time.Sleep(500 * time.Millisecond)
		s.stands(1730*time.Millisecond, 34)
		s.TogglePause()
		s.TogglePause()
		s.stands(1730*time.Millisecond, 34)
	})
}

// What stands on the screen is shown again, with what the Focus asks for by now.
func TestShow(t *testing.T) {
	t.Parallel()
	watching(t, ticking(10*time.Second), Options{Focus: &snapshot.Focus{}}, func(s *seat) {
		time.Sleep(1230 * time.Millisecond)
		s.TogglePause()
		s.stands(1230*time.Millisecond, 24)
		if s.shown() != nil {
			t.Error("it is shown unasked")
		}
		s.Show()
		s.stands(1230*time.Millisecond, 24)
	})
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	rec := ticking(time.Hour)
	watching(t, rec, Options{}, func(s *seat) {
		var stands time.Duration
		for _, speed := range []float64{10, 0.1, 1000, 0.5, 1} {
			s.SetSpeed(speed)
			for range 10 {
				time.Sleep(300 * time.Millisecond)
			}
			synctest.Wait()
			stands += time.Duration(3 * float64(time.Second) * speed)
			s.SetSpeed(speed) // shows it
			s.stands(stands, uint64(stands/(50*time.Millisecond)))
		}
		for _, tc := range []struct{ ask, want float64 }{{0, 0.1}, {-1, 0.1}, {1e9, 1000}, {math.NaN(), 0.1}} {
			if s.SetSpeed(tc.ask); s.Playback().Speed != tc.want {
				t.Errorf("asked for %v times it is %v times as fast", tc.ask, s.Playback().Speed)
			}
		}
	})
	if rec.rewinds != 1 {
		t.Errorf("rewound %d times", rec.rewinds)
	}
}

// TestSlowReader: who cannot read as fast as it should play shows how far it is, and
// does not run after what it has missed.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	rec := ticking(time.Hour)
	rec.read = func(int) error {
		time.Sleep(5 * time.Millisecond) // ten times as fast at best
		return nil
	}
	watching(t, rec, Options{}, func(s *seat) {
		s.SetSpeed(1000)
		for range 8 {
			s.shown()
			time.Sleep(501 * time.Millisecond)
			if s.shown() == nil {
				t.Error("it shows nothing")
			}
		}
		s.TogglePause()
		time.Sleep(5 * time.Millisecond)
		now := s.Playback().At
		if now < at(39*time.Second) || now > at(41*time.Second) {
			t.Errorf("after 4 s it has played %v", now.Sub(at(0)))
		}
		time.Sleep(time.Minute)
		if s.Playback().At != now {
			t.Error("it goes on though it is paused")
		}
	})
	if rec.rewinds != 1 {
		t.Errorf("rewound %d times", rec.rewinds)
	}
}

// TestStopped: a process that was stopped for an hour (^Z) goes on where it was.
func TestStopped(t *testing.T) {
	t.Parallel()
	rec := ticking(2 * time.Hour)
	rec.read = func(n int) error {
		if n == 20 {
			time.Sleep(time.Hour)
		}
		return nil
	}
	watching(t, rec, Options{}, func(s *seat) {
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if now := s.Playback().At; now > at(3*time.Second) {
			t.Errorf("after a second and an hour's pause it stands at %v", now.Sub(at(0)))
		}
	})
}

// TestWrongTimeline: pieces with counts of failures that they do not have end in the same place.
func TestWrongTimeline(t *testing.T) {
	t.Parallel()
	rec := ticking(10 * time.Second)
	for i := range rec.pieces {
		rec.pieces[i].Failures = 1
	}
	watching(t, rec, Options{}, func(s *seat) {
		s.Seek(at(3 * time.Second))
		s.NextIncident()
		s.stands(3*time.Second, 60)
	})
}

func TestEmptyRecording(t *testing.T) {
	t.Parallel()
	watching(t, newFilm(), Options{}, func(s *seat) {
		if snap := s.shown(); snap == nil || snap.Totals.Opens != 0 {
			t.Fatalf("it shows %+v", snap)
		}
		for _, ask := range []func(){
			s.TogglePause, s.TogglePause, s.Step, s.StepBack, s.NextIncident, s.PreviousIncident,
			func() { s.Seek(5) }, func() { s.SetSpeed(2) },
		} {
			if ask(); s.shown() == nil {
				t.Error("nothing is published")
			}
		}
		if now := s.Playback(); now.At != 0 || !now.Ended() || len(s.Timeline().Stretches) != 0 {
			t.Errorf("it stands at %+v", now)
		}
	})
}

func TestReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	rec := ticking(10 * time.Second)
	rec.read = func(n int) error {
		if n == 40 {
			return broken
		}
		return nil
	}
	watching(t, rec, Options{}, func(s *seat) {
		time.Sleep(1900 * time.Millisecond)
		if s.shown() == nil {
			t.Error("nothing of what came before is shown")
		}
		if err := <-s.ran; !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
		// A player that does not run keeps no caller waiting.
		for range 100 {
			s.TogglePause()
			s.Step()
			s.NextIncident()
			s.Seek(at(0))
			s.SetSpeed(3)
		}
		if s.Playback().Speed != 3 {
			t.Error("it does not say what was asked for")
		}
	})
}

// TestWhatComesWithTheEnd counts, at the end, and once.
func TestWhatComesWithTheEnd(t *testing.T) {
	t.Parallel()
	rec := ticking(time.Second)
	last := event.Batch{Events: []event.Event{open(at(time.Second), shop)}, Now: at(2 * time.Second)}
	watching(t, withEnd{rec, last}, Options{}, func(s *seat) {
		time.Sleep(time.Second)
		s.stands(time.Second, 21)
		s.Seek(at(900 * time.Millisecond))
		s.stands(900*time.Millisecond, 18)
		s.Seek(at(time.Minute))
		s.stands(time.Second, 21)
	})
}

// withEnd gives a batch together with each io.EOF.
type withEnd struct {
	*film
	last event.Batch
}

func (w withEnd) Read(ctx context.Context) (event.Batch, error) {
	b, err := w.film.Read(ctx)
	if errors.Is(err, io.EOF) {
		b = w.last
	}
	return b, err
}

// TestAskedBeforeRun: what is asked for then counts, and time does not.
func TestAskedBeforeRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPlayer(ticking(10*time.Second), Options{Every: time.Second})
		p.SetSpeed(2)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if now := p.Playback(); now.At != at(6*time.Second) || now.Speed != 2 {
			t.Errorf("it stands at %+v", now)
		}
		cancel()
		synctest.Wait()
	})
}

// TestManyAsk has all of it going on at once.
func TestManyAsk(t *testing.T) {
	t.Parallel()
	rec := eventful(rand.New(rand.NewPCG(1, 1)), 300)
	snapshots := make(chan *snapshot.Snapshot, 1)
	p := NewPlayer(rec, Options{Snapshots: snapshots, Every: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	var askers sync.WaitGroup
	for seed := range uint64(4) {
		askers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 2))
			asks := []func(){
				p.TogglePause, p.Step, p.StepBack, p.NextIncident, p.PreviousIncident,
				func() { p.Seek(at(time.Duration(random.IntN(600)) * time.Second)) },
				func() { p.SetSpeed(random.Float64() * 2000) },
			}
			for range 500 {
				asks[random.IntN(len(asks))]()
				if now := p.Playback(); now.At < now.Begin || now.At > now.End {
					t.Errorf("it stands at %+v", now)
				}
			}
		})
	}
	askers.Wait()
	p.Seek(rec.batches[200].Now)
	for p.Playback().Seeking {
		<-snapshots
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(p.Timeline(), playback.Roughly(rec.pieces)) {
		t.Error("the timeline has changed")
	}
}
