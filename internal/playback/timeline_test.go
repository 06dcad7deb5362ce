package playback

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func seconds(s float64) event.Time { return event.Time(s * float64(time.Second)) }

// TestStops: incidents that begin within two seconds are one stop, which is when all of them go on.
func TestStops(t *testing.T) {
	t.Parallel()
	timeline := &Timeline{}
	for _, begin := range []float64{1, 10, 10.5, 12, 12.5, 14, 30} {
		timeline.Incidents = append(timeline.Incidents, Incident{Begin: seconds(begin)})
	}
	stops := []event.Time{seconds(1), seconds(12), seconds(14), seconds(30)}
	if got := slices.Collect(timeline.stops); !slices.Equal(got, stops) {
		t.Fatalf("got %v, want %v", got, stops)
	}
	for at := seconds(0); at < seconds(35); at += seconds(0.25) {
		next, isNext := timeline.Next(at)
		previous, isPrevious := timeline.Previous(at)
		i := slices.IndexFunc(stops, func(s event.Time) bool { return s > at })
		if isNext != (i >= 0) || isNext && next != stops[i] {
			t.Errorf("after %v comes %v", at, next)
		}
		before := slices.DeleteFunc(slices.Clone(stops), func(s event.Time) bool { return s >= at })
		if isPrevious != (len(before) > 0) || isPrevious && previous != before[len(before)-1] {
			t.Errorf("before %v comes %v", at, previous)
		}
	}
}

func TestRoughly(t *testing.T) {
	t.Parallel()
	var pieces []event.Span
	for i := range 5000 {
		p := event.Span{Begin: seconds(float64(i)), End: seconds(float64(i) + 1), Opens: 2}
		switch {
		case i >= 100 && i < 110, i == 118, i == 200:
			p.Failures = 3
		case i == 300:
			p = event.Span{Begin: p.Begin, End: p.End, Damaged: true}
		}
		pieces = append(pieces, p)
	}
	got := Roughly(pieces)
	var opens, failures uint64
	for i := range got.Stretches {
		opens += got.Stretches[i].Opens
		failures += got.Stretches[i].Failures
	}
	if !got.Rough || len(got.Stretches) > MaxStretches || opens != 9998 || failures != 36 || got.Stretches[1].Begin != got.Stretches[0].End {
		t.Errorf("%d stretches with %d opens and %d failures", len(got.Stretches), opens, failures)
	}
	want := []Incident{
		{Kind: Failing, Begin: seconds(100), End: seconds(119), Text: "failures"},
		{Kind: Failing, Begin: seconds(200), End: seconds(201), Text: "failures"},
		{Kind: Damage, Begin: seconds(300), End: seconds(301), Text: "damaged"},
	}
	if !slices.Equal(got.Incidents, want) {
		t.Errorf("got %+v, want %+v", got.Incidents, want)
	}
	// To see the beginning of what is on the screen, one goes back over where it was seen.
	if at, found := got.Previous(seconds(200.4)); !found || at != seconds(100) {
		t.Errorf("got %v", at)
	}
	if empty := Roughly(nil); len(empty.Stretches)+len(empty.Incidents) != 0 {
		t.Errorf("got %+v", empty)
	}
}

// TestFillsAreBounded: those that were fullest are kept, from when they were followed.
func TestFillsAreBounded(t *testing.T) {
	t.Parallel()
	var fills Fills
	id := func(n int) snapshot.SpaceID { return snapshot.SpaceID{Netns: uint32(n)} }
	use := func(n int) *event.Occupancy {
		return &event.Occupancy{Capacity: 10_000, Live: n, TimeWait: 10, Reusable: 10}
	}
	for stretch := range 3 {
		for n := range 3 * maxCurves {
			fills.Add(stretch, id(n), use(n))
		}
	}
	fills.Add(3, id(3*maxCurves), use(0))
	fills.Add(3, id(1), &event.Occupancy{Live: 5}) // without a range nothing is known
	timeline := &Timeline{Stretches: make([]Stretch, 4)}
	fills.Complete(timeline)
	kept := timeline.FilledSpaces()
	if len(kept) != maxCurves || kept[0] != id(3*maxCurves-1) || timeline.FillOf(id(5)) != nil {
		t.Fatalf("%d are kept, first %+v", len(kept), kept[0])
	}
	curve := timeline.FillOf(kept[0])
	want := Fill{Capacity: 10_000, InUse: 3*maxCurves - 1 + 10, Reusable: 10}
	if len(curve) != 4 || curve[0] != want || curve[2] != want || curve[3].Known() || curve[0].TakenShare() != float64(3*maxCurves-1)/10_000 {
		t.Errorf("got %+v", curve)
	}
}

// TestHighestFillOfAStretch: what is seen in the midst of a stretch counts.
func TestHighestFillOfAStretch(t *testing.T) {
	t.Parallel()
	var fills Fills
	id := snapshot.SpaceID{Netns: 1}
	for _, live := range []int{3, 10, 4} {
		fills.Add(0, id, &event.Occupancy{Capacity: 10, Live: live})
	}
	timeline := &Timeline{Stretches: make([]Stretch, 1)}
	fills.Complete(timeline)
	if got := timeline.FillOf(id); got[0].InUse != 10 || got[0].TakenShare() != 1 {
		t.Errorf("got %+v", got)
	}
}
