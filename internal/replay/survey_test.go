package replay

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const netns = 7

var (
	client = event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}
	db     = event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 2}, Port: 5432}
	cache  = event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 3}, Port: 6379}
)

// script makes a recording of what is added to it, in batches of 50 ms.
type script struct{ events []event.Event }

func (s *script) add(after time.Duration, e event.Event) {
	e.Time, e.Netns, e.Proto, e.Count = at(after), netns, event.TCP, max(e.Count, 1)
	s.events = append(s.events, e)
}

// connect makes the process open a connection from a port of the range, which has ten.
func (s *script) connect(after time.Duration, p event.ProcID, port uint16, to event.Endpoint) {
	s.add(after, event.Event{Kind: event.Open, Direction: event.Out, Proc: p, Src: event.Endpoint{Addr: client, Port: port}, Dst: to})
}

func (s *script) disconnect(after time.Duration, p event.ProcID, port uint16, to event.Endpoint) {
	s.add(after, event.Event{
		Kind: event.Close, Direction: event.Out, Proc: p, Src: event.Endpoint{Addr: client, Port: port}, Dst: to,
		ClosedBy: event.Remote, Duration: 1e9,
	})
}

func (s *script) fail(after time.Duration, p event.ProcID, to event.Endpoint, reason event.Reason, n uint64) {
	s.add(after, event.Event{
		Kind: event.ConnectFail, Proc: p, Src: event.Endpoint{Addr: client}, Dst: to, Op: event.OpConnect,
		Errno: event.EADDRNOTAVAIL, Reason: reason, Count: n,
	})
}

func (s *script) film(length time.Duration) *film {
	begin := at(0)
	facts := []event.Event{
		{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1.7e18, Boot: 5}},
		{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: netns, Name: "box", Ports: event.PortRange{Low: 40000, High: 40009}}},
		known(begin, shop, "shop-api"), known(begin, curl, "curl"),
	}
	slices.SortStableFunc(s.events, func(a, b event.Event) int { return int(a.Time - b.Time) })
	batches := []event.Batch{{Events: facts, Now: begin}}
	rest := s.events
	for end := 50 * time.Millisecond; end <= length; end += 50 * time.Millisecond {
		n := slices.IndexFunc(rest, func(e event.Event) bool { return e.Time > at(end) })
		if n < 0 {
			n = len(rest)
		}
		batches = append(batches, event.Batch{Events: rest[:n], Now: at(end)})
		rest = rest[n:]
	}
	return newFilm(batches...)
}

func surveyOf(t *testing.T, rec Recording, f *filter.Filter) *playback.Timeline {
	t.Helper()
	var kept checkpoints
	var timelines []*playback.Timeline
	publish := func(t *playback.Timeline) { timelines = append(timelines, t) }
	if err := newSurvey(rec, f, &kept, func(float64) {}).run(t.Context(), publish); err != nil {
		t.Fatal(err)
	}
	if len(timelines) != 2 || timelines[0].Judged || !timelines[1].Judged || len(incidentsOf(timelines[0].Incidents, playback.Found)) > 0 {
		t.Fatalf("%d timelines: %+v", len(timelines), timelines)
	}
	return timelines[1]
}

// night is a recording in which the ports towards a database run out for ten seconds, another
// program is refused twice, and the rest is quiet.
func night() *film {
	var s script
	for i := range 10 {
		s.connect(20*time.Second+time.Duration(i)*200*time.Millisecond, shop, uint16(40000+i), db)
		s.disconnect(32*time.Second+time.Duration(i)*100*time.Millisecond, shop, uint16(40000+i), db)
	}
	for i := range 100 {
		s.fail(22*time.Second+time.Duration(i)*100*time.Millisecond, shop, db, event.RangeExhausted, 3)
	}
	for i := range 3 {
		s.connect(60*time.Second+time.Duration(i)*time.Second, curl, uint16(40000+i), cache)
	}
	s.fail(90*time.Second, curl, cache, event.Refused, 1)
	s.fail(95*time.Second, curl, db, event.Refused, 1)
	s.fail(96*time.Second, curl, cache, event.GivenUp, 50) // a client that tries two addresses
	return s.film(2 * time.Minute)
}

func spaceOf(to event.Endpoint) snapshot.SpaceID {
	return snapshot.SpaceID{Kind: snapshot.ConnectSpace, Netns: netns, Proto: event.TCP, Local: client, Remote: to}
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	got := surveyOf(t, night(), nil)
	var opens, failures uint64
	for i := range got.Stretches {
		s := &got.Stretches[i]
		opens += s.Opens
		failures += s.Failures
		if i > 0 && s.Begin != got.Stretches[i-1].End || !s.FillKnown || s.Damaged {
			t.Fatalf("stretch %d: %+v", i, s)
		}
		since := s.Begin.Sub(at(0))
		switch {
		case since >= 22*time.Second && since < 31900*time.Millisecond && (s.Fill != 1 || s.Fullest != spaceOf(db)),
			since > 70*time.Second && (s.Fill != 0.3 || s.Fullest != spaceOf(cache)),
			since < 19*time.Second && s.Fill != 0:
			t.Fatalf("after %v: %+v", since, s)
		}
	}
	if opens != 13 || failures != 302 || got.Rough || len(got.Stretches) != 1200 {
		t.Errorf("%d opens, %d failures, %d stretches", opens, failures, len(got.Stretches))
	}
	if got.FilledSpaces()[0] != spaceOf(db) || len(got.FilledSpaces()) != 2 {
		t.Errorf("filled were %+v", got.FilledSpaces())
	}
	curve := got.FillOf(spaceOf(db))
	if len(curve) != len(got.Stretches) || curve[0].Known() || got.FillOf(snapshot.SpaceID{}) != nil {
		t.Errorf("the curve has %d points, the first is %+v", len(curve), curve[0])
	}
	if half := curve[209]; half.Begin != at(20900*time.Millisecond) || half.TakenShare() != 0.6 || half.InUse != 6 || half.Capacity != 10 {
		t.Errorf("after 21 s it is %+v", half)
	}
}

// incident is one with times since the beginning of the recording.
type incident struct {
	kind       playback.IncidentKind
	begin, end time.Duration
	text       string
}

func incidentsOf(list []playback.Incident, kinds ...playback.IncidentKind) (out []incident) {
	for _, n := range list {
		if slices.Contains(kinds, n.Kind) {
			out = append(out, incident{n.Kind, n.Begin.Sub(at(0)), n.End.Sub(at(0)), n.Text})
		}
	}
	return out
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	got := surveyOf(t, night(), nil)
	want := []incident{
		{playback.Full, 21800 * time.Millisecond, 31900 * time.Millisecond, "10.0.0.1 → 10.0.0.2:5432 full, 10 ports"},
		{
			playback.Failing, 22 * time.Second, 31900 * time.Millisecond,
			"shop-api: 300 failures to connect to 10.0.0.2:5432, no free local port (EADDRNOTAVAIL)",
		},
		{
			playback.Failing, 90 * time.Second, 95 * time.Second,
			"curl: 2 failures to connect to several targets, connection refused (EADDRNOTAVAIL)",
		},
	}
	if list := incidentsOf(got.Incidents, playback.Failing, playback.Full, playback.Damage); !reflect.DeepEqual(list, want) {
		t.Errorf("got\n%+v\nwant\n%+v", list, want)
	}
	found := incidentsOf(got.Incidents, playback.Found)
	if len(found) == 0 || found[0].begin < 21*time.Second || found[0].begin > 23*time.Second || found[0].end > 100*time.Second {
		t.Errorf("doctor found %+v", found)
	}
	if got.Incidents[0].Kind == playback.Full && got.Incidents[0].Space != spaceOf(db) {
		t.Errorf("the space is %+v", got.Incidents[0].Space)
	}
}

// TestSurveyUnderAFilter: opens, failures, spaces and incidents are those of the filter.
func TestSurveyUnderAFilter(t *testing.T) {
	t.Parallel()
	got := surveyOf(t, night(), parse(t, filter.Request{Comm: []string{"curl"}}))
	var opens, failures uint64
	for i := range got.Stretches {
		opens += got.Stretches[i].Opens
		failures += got.Stretches[i].Failures
	}
	if opens != 3 || failures != 2 {
		t.Errorf("%d opens, %d failures", opens, failures)
	}
	for _, n := range got.Incidents {
		if n.Begin < at(60*time.Second) {
			t.Errorf("an incident of another program: %+v", n)
		}
	}
	if n := len(incidentsOf(got.Incidents, playback.Failing)); n != 1 {
		t.Errorf("%d incidents", n)
	}
}

// TestDamageIsAnIncident, and nothing is said of the ports meanwhile.
func TestDamageIsAnIncident(t *testing.T) {
	t.Parallel()
	rec := night()
	gap := &event.Gap{Begin: at(40 * time.Second), End: at(50 * time.Second)}
	i := slices.IndexFunc(rec.batches, func(b event.Batch) bool { return b.Now == at(50*time.Second) })
	rec.batches[i].Events = []event.Event{{Time: gap.End, Kind: event.Missing, Fact: gap}}
	rec.pieces = slices.Insert(rec.pieces, 0, event.Span{Begin: at(0), End: at(0)}, event.Span{Begin: gap.Begin, End: gap.End, Damaged: true})
	got := surveyOf(t, rec, nil)
	want := []incident{{playback.Damage, 40 * time.Second, 50 * time.Second, "damaged: 10s cannot be read"}}
	if list := incidentsOf(got.Incidents, playback.Damage); !reflect.DeepEqual(list, want) {
		t.Errorf("got %+v", list)
	}
	for i := range got.Stretches {
		s := &got.Stretches[i]
		if within := s.Begin >= gap.Begin && s.Begin < gap.End; s.Damaged != within || s.FillKnown == within {
			t.Fatalf("after %v: %+v", s.Begin.Sub(at(0)), s)
		}
	}
}

// TestStepsByIncident: the survey's incidents are where n and N stop, in both directions.
func TestStepsByIncident(t *testing.T) {
	t.Parallel()
	rec := night()
	watching(t, rec, Options{Survey: rec.fork()}, func(s *seat) {
		s.TogglePause()
		for !s.Timeline().Judged {
			s.shown()
			time.Sleep(time.Second)
		}
		stops := []time.Duration{s.stop(s.NextIncident)}
		for {
			next := s.stop(s.NextIncident)
			if next == stops[len(stops)-1] {
				break
			}
			stops = append(stops, next)
		}
		if len(stops) < 2 || len(stops) > 4 || stops[0] < 20*time.Second || !slices.Contains(stops, 90*time.Second) {
			t.Fatalf("it stops at %v", stops)
		}
		for i := range stops[1:] {
			if stops[i+1]-stops[i] <= 2*time.Second {
				t.Errorf("it stops at %v", stops)
			}
		}
		s.Seek(s.Playback().End)
		for _, want := range append(reversed(stops), stops[0]) {
			if got := s.stop(s.PreviousIncident); got != want {
				t.Errorf("back it stops at %v, forward at %v", got, stops)
			}
		}
		// What was found is there.
		s.Seek(at(90 * time.Second))
		if snap := s.shown(); snap == nil || snap.Totals.Failed() != 301 {
			t.Errorf("at the third: %+v", snap)
		}
	})
}

// stop does something and returns where the player stands then, since the beginning.
func (s *seat) stop(ask func()) time.Duration {
	s.t.Helper()
	ask()
	snap := s.shown()
	now := s.Playback()
	if snap == nil || !now.Paused || now.Seeking || snap.At != now.At {
		s.t.Fatalf("it stands at %+v and shows %+v", now, snap)
	}
	return now.At.Sub(at(0))
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// TestSurveyIsAFunctionOfTheRecording: it comes out the same each time.
func TestSurveyIsAFunctionOfTheRecording(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		rec := eventful(rand.New(rand.NewPCG(seed, 3)), 200)
		first := surveyOf(t, rec.fork(), nil)
		if again := surveyOf(t, rec.fork(), nil); !reflect.DeepEqual(first, again) {
			t.Errorf("seed %d: another time it is\n%+v\nnot\n%+v", seed, again, first)
		}
		var failed uint64
		for i := range first.Stretches {
			failed += first.Stretches[i].Failures
		}
		var want uint64
		for _, b := range rec.batches {
			for i := range b.Events {
				if fails(&b.Events[i]) {
					want += max(b.Events[i].Count, 1)
				}
			}
		}
		if failed != want {
			t.Errorf("seed %d: %d failures, want %d", seed, failed, want)
		}
	}
}

// TestSurveyOfAMoment: a recording that takes no time has what happened in it.
func TestSurveyOfAMoment(t *testing.T) {
	t.Parallel()
	rec := newFilm(event.Batch{Events: []event.Event{open(at(0), shop), open(at(0), curl)}, Now: at(0)})
	got := surveyOf(t, rec, nil).Stretches
	if len(got) != 1 || got[0].Opens != 2 || got[0].Begin != at(0) || got[0].End != at(0) {
		t.Errorf("got %+v", got)
	}
}

func TestSurveyOfNothing(t *testing.T) {
	t.Parallel()
	if got := surveyOf(t, newFilm(), nil); len(got.Stretches)+len(got.Incidents) != 0 {
		t.Errorf("got %+v", got)
	}
}
