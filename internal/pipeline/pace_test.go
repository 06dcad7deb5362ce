package pipeline

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestPace: what is seen is made as often as it changes, and as rarely as it is expensive.
func TestPace(t *testing.T) {
	t.Parallel()
	const every = 500 * time.Millisecond
	begin := time.Unix(1e9, 0)
	for _, tc := range []struct {
		name    string
		cost    time.Duration
		changes float64 // a second
		want    time.Duration
	}{
		{"some events, cheap", time.Millisecond, 10, every},
		{"no events", time.Millisecond, 0, 2 * every},
		{"a storm", 40 * time.Millisecond, 10_000, time.Second},
		{"after a storm", 10 * time.Millisecond, 10, 2 * time.Second},
		{"very many rows", time.Second, 10_000, maxPause},
	} {
		p := pace{last: begin, cost: tc.cost}
		var got time.Duration
		for !p.due(begin.Add(got), every, uint64(tc.changes*got.Seconds()), nil) {
			got += 10 * time.Millisecond
		}
		if got != tc.want {
			t.Errorf("%s: the next snapshot comes after %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestPaceFollowsFocus(t *testing.T) {
	t.Parallel()
	p := pace{last: time.Unix(1e9, 0), cost: time.Second, focus: []snapshot.SpaceID{{Netns: 1}}}
	soon := p.last.Add(200 * time.Millisecond)
	if p.due(soon, 500*time.Millisecond, 0, []snapshot.SpaceID{{Netns: 1}}) || !p.due(soon, 500*time.Millisecond, 0, []snapshot.SpaceID{{Netns: 2}}) {
		t.Error("a map that is asked for comes with the next snapshot, and that is not due sooner")
	}
}

// TestPaceByCost: a run waits as its snapshots cost.
func TestPaceByCost(t *testing.T) {
	t.Parallel()
	snapshots, made := make(chan *snapshot.Snapshot, 1), 0
	opts := Options{Snapshots: snapshots, Every: time.Nanosecond, Cost: func(call func()) time.Duration {
		call()
		made++
		return time.Hour
	}}
	source := &script{batches: slices.Repeat([][]event.Event{opens(1)}, 50)}
	if _, err := Aggregate(t.Context(), source, opts); err != nil || made != 1 {
		t.Errorf("%d snapshots that take an hour each, error %v", made, err)
	}
}
