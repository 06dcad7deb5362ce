package replay

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestSeekIsAsLive goes to the end of every batch, and back and forth, from moments in
// between at which the screen was shown, too.
func TestSeekIsAsLive(t *testing.T) {
	t.Parallel()
	seeds := uint64(4)
	if testing.Short() {
		seeds = 2 // without a filter and with one
	}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 1))
		rec := eventful(random, 100)
		var f *filter.Filter
		if seed%2 == 1 {
			f = parse(t, filter.Request{Comm: []string{"shop-api"}})
		}
		var ends []int // how many batches belong to each moment
		for i := range rec.batches {
			if i+1 == len(rec.batches) || rec.batches[i+1].Now > rec.batches[i].Now {
				ends = append(ends, i+1)
			}
		}
		watching(t, rec, Options{Filter: f}, func(s *seat) {
			wants := map[int]*snapshot.Snapshot{}
			for _, n := range ends {
				wants[n] = live(t, rec, n, f)
			}
			check := func(batches int) {
				to := rec.batches[batches-1].Now
				s.Seek(to)
				got, want := s.shown(), wants[batches]
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d: after %d batches\n got %+v\nwant %+v", seed, batches, got, want)
				}
				if now := s.Playback(); now.At != to || now.Seeking {
					t.Fatalf("seed %d: it stands at %+v", seed, now)
				}
			}
			for _, n := range ends {
				check(n)
				s.SetSpeed([]float64{0.1, 1, 30}[random.IntN(3)])
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				s.shown()
			}
			s.TogglePause()
			for range 50 {
				check(ends[random.IntN(len(ends))])
			}
		})
	}
}

// TestBetweenBatches: where nothing is read, time passes all the same, also after the last batch.
func TestBetweenBatches(t *testing.T) {
	t.Parallel()
	rec := newFilm(
		event.Batch{Events: []event.Event{open(at(0), shop)}, Now: at(0)},
		event.Batch{Events: []event.Event{open(at(time.Minute), shop)}, Now: at(time.Minute)},
	)
	rec.pieces = append(rec.pieces, event.Span{Begin: at(time.Minute), End: at(2 * time.Minute), Damaged: true})
	watching(t, rec, Options{}, func(s *seat) {
		time.Sleep(10 * time.Second)
		snap := s.shown()
		state := pipeline.NewState(nil)
		if err := state.Add(rec.batches[0], nil); err != nil {
			t.Fatal(err)
		}
		if want := state.Snapshot(at(10 * time.Second)); !reflect.DeepEqual(snap, want) {
			t.Errorf("after 10 s\n got %+v\nwant %+v", snap, want)
		}
		time.Sleep(100 * time.Second)
		s.stands(110*time.Second, 2)
		time.Sleep(10 * time.Second)
		s.stands(2*time.Minute, 2)
	})
}

func TestSeek(t *testing.T) {
	t.Parallel()
	rec := ticking(10 * time.Second)
	watching(t, rec, Options{}, func(s *seat) {
		s.Seek(at(4 * time.Second))
		if now := s.Playback(); !now.Seeking || now.Target != at(4*time.Second) {
			t.Errorf("asked to seek it says %+v", now)
		}
		s.stands(4*time.Second, 80)
		time.Sleep(time.Second)
		s.stands(5*time.Second, 100)
		if rec.rewinds != 1 {
			t.Error("it has rewound for a way forward")
		}
		s.TogglePause()
		s.Seek(0)
		s.stands(0, 0)
		s.Seek(at(time.Hour))
		s.stands(10*time.Second, 200)
		time.Sleep(time.Second)
		if now := s.Playback(); !now.Paused || now.Seeking || !now.Ended() || s.shown() != nil {
			t.Errorf("at the end %+v", now)
		}
		// Where it stands is a place, too.
		s.Seek(at(10 * time.Second))
		s.stands(10*time.Second, 200)
	})
}

// TestShortSeek shows nothing of the way, however long it is since something was shown.
func TestShortSeek(t *testing.T) {
	t.Parallel()
	rec := ticking(10 * time.Second)
	rec.read = func(int) error {
		time.Sleep(time.Millisecond)
		return nil
	}
	watching(t, rec, Options{}, func(s *seat) {
		s.TogglePause()
		time.Sleep(time.Minute)
		s.shown()
		s.Seek(at(10 * time.Second))
		time.Sleep(190 * time.Millisecond)
		if s.shown() != nil {
			t.Error("it shows what lies on the way")
		}
		time.Sleep(20 * time.Millisecond)
		s.stands(10*time.Second, 200)
	})
}

// TestLongSeek shows how far it is and gives way to what is asked for meanwhile.
func TestLongSeek(t *testing.T) {
	t.Parallel()
	rec := ticking(time.Hour)
	rec.read = func(int) error {
		time.Sleep(time.Millisecond)
		return nil
	}
	watching(t, rec, Options{}, func(s *seat) {
		time.Sleep(10 * time.Millisecond)
		s.shown()
		s.Seek(at(time.Hour)) // takes 72 s
		time.Sleep(400 * time.Millisecond)
		if s.shown() != nil {
			t.Error("it shows how far it is after less than Every")
		}
		time.Sleep(101 * time.Millisecond)
		if snap := s.shown(); snap == nil || snap.At < at(24*time.Second) || !s.Playback().Seeking {
			t.Errorf("after half a second: %+v", s.Playback())
		}
		s.TogglePause() // on arrival
		s.Seek(at(10 * time.Second))
		time.Sleep(210 * time.Millisecond)
		s.stands(10*time.Second, 200)
		if now := s.Playback(); now.Seeking || !now.Paused {
			t.Errorf("it stands at %+v", now)
		}
		s.Seek(at(time.Hour))
		time.Sleep(20 * time.Millisecond)
		s.cancel()
		time.Sleep(2 * time.Millisecond)
		select {
		case err := <-s.ran:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("it runs on")
		}
	})
}

func TestStepBack(t *testing.T) {
	t.Parallel()
	watching(t, ticking(10*time.Second), Options{}, func(s *seat) {
		time.Sleep(2320 * time.Millisecond)
		for i, want := range []time.Duration{1320, 320, 0, 0} {
			s.StepBack()
			s.stands(want*time.Millisecond, uint64(want/50))
			if !s.Playback().Paused {
				t.Errorf("after step %d it plays", i)
			}
		}
		s.Seek(at(5 * time.Second))
		s.StepBack()
		s.StepBack()
		s.Step()
		s.stands(4*time.Second, 80)
	})
}

func TestStep(t *testing.T) {
	t.Parallel()
	watching(t, ticking(3300*time.Millisecond), Options{}, func(s *seat) {
		time.Sleep(120 * time.Millisecond)
		for i, want := range []time.Duration{1120, 2120, 3120, 3300, 3300} {
			s.Step()
			s.stands(want*time.Millisecond, uint64(want/50))
			if !s.Playback().Paused {
				t.Errorf("after step %d it plays", i)
			}
			time.Sleep(time.Minute)
			if s.shown() != nil {
				t.Errorf("it goes on after step %d", i)
			}
		}
		s.Seek(at(0))
		s.Step()
		s.Step()
		s.stands(2*time.Second, 40)
	})
}

// TestRoughIncidents: without a survey, incidents are times with failures, of which the first one
// that the filter selects is the next stop.
func TestRoughIncidents(t *testing.T) {
	t.Parallel()
	rec := ticking(2 * time.Minute)
	for _, end := range []time.Duration{1050, 1100, 4000, 30_000, 30_050, 33_000, 90_000} {
		rec.failing(end*time.Millisecond, shop)
	}
	rec.failing(60*time.Second, curl)
	rec.failing(119*time.Second, curl)
	f := parse(t, filter.Request{PID: []string{strconv.Itoa(int(shop.PID))}})
	watching(t, rec, Options{Filter: f}, func(s *seat) {
		time.Sleep(100 * time.Millisecond)
		for _, want := range []time.Duration{1050, 30_000, 90_000, 90_000, 90_000} {
			s.NextIncident()
			s.stands(want*time.Millisecond, uint64(want/50))
			if now := s.Playback(); !now.Paused || now.Seeking {
				t.Errorf("at %d ms: %+v", want, now)
			}
		}
		s.Seek(at(2 * time.Second))
		s.NextIncident()
		s.stands(30*time.Second, 600)
		s.NextIncident()
		s.Seek(at(0)) // never mind
		s.stands(0, 0)
		// Back is just before something failed on the host.
		s.Seek(at(70 * time.Second))
		for _, want := range []time.Duration{59_950, 29_950, 950, 950} {
			s.PreviousIncident()
			snap := s.shown()
			if now := s.Playback(); snap == nil || now.At > at(want*time.Millisecond) || now.At < at((want-400)*time.Millisecond) || !now.Paused {
				t.Errorf("at %d ms: %+v", want, now)
			}
		}
	})
}

// TestFarFailure: asking again on the way there changes nothing.
func TestFarFailure(t *testing.T) {
	t.Parallel()
	rec := ticking(time.Minute)
	rec.failing(50*time.Second, shop)
	rec.read = func(int) error {
		time.Sleep(time.Millisecond)
		return nil
	}
	watching(t, rec, Options{}, func(s *seat) {
		s.NextIncident()
		for range 9 {
			time.Sleep(100 * time.Millisecond)
			s.NextIncident()
			if now := s.Playback(); !now.Seeking || now.Target < at(49*time.Second) { // the piece with it begins there
				t.Errorf("on the way: %+v", now)
			}
		}
		time.Sleep(110 * time.Millisecond)
		s.stands(50*time.Second, 1000)
		if rec.rewinds != 1 {
			t.Errorf("rewound %d times", rec.rewinds)
		}
		s.Seek(at(0))
		s.NextIncident()
		time.Sleep(100 * time.Millisecond)
		s.Step() // from where it was
		time.Sleep(100 * time.Millisecond)
		s.stands(time.Second, 20)
	})
}

// TestNoFailureLeft: the rest is not read.
func TestNoFailureLeft(t *testing.T) {
	t.Parallel()
	rec := ticking(10 * time.Second)
	rec.failing(time.Second, shop)
	watching(t, rec, Options{}, func(s *seat) {
		s.NextIncident()
		s.stands(time.Second, 20)
		rec.reads, rec.rewinds = 0, 0
		s.Seek(at(1010 * time.Millisecond))
		s.stands(1010*time.Millisecond, 20)
		s.TogglePause()
		s.NextIncident()
		s.stands(1010*time.Millisecond, 20)
		if rec.reads != 0 || rec.rewinds != 0 || !s.Playback().Paused {
			t.Errorf("%d reads and %d rewinds for %+v", rec.reads, rec.rewinds, s.Playback())
		}
	})
}
