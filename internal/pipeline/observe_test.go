package pipeline

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// observed runs a stream with an open every quarter of a second for ten seconds, and returns
// the moments of the snapshots, and the last snapshot.
func observed(t *testing.T, opts Options) (moments []event.Time, last *snapshot.Snapshot) {
	t.Helper()
	batches := []event.Batch{until(second, worldAt(second)...)}
	for at := second; at < 11*second; at += second / 4 {
		batches = append(batches, until(at, on(uint16(40_000+at/(second/4)), socket(at, event.Open, shop, 0))))
	}
	if opts.EveryStream > 0 {
		opts.Observe = func(s *snapshot.Snapshot) { moments = append(moments, s.At) }
	}
	return moments, runTape(t, batches, opts)
}

// costs returns an Options.Cost that says so of each call.
func costs(d time.Duration) func(func()) time.Duration {
	return func(call func()) time.Duration {
		call()
		return d
	}
}

func TestObserveByStreamTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts Options
		want []event.Time
	}{
		{"every third second", Options{EveryStream: 3 * time.Second}, []event.Time{second, 4 * second, 7 * second, 10 * second}},
		{"between batches", Options{EveryStream: 4100 * time.Millisecond}, []event.Time{second, second * 21 / 4, second * 38 / 4}},
		{"a window", Options{EveryStream: 3 * time.Second, From: 5 * second, To: 9 * second}, []event.Time{second * 21 / 4, second * 33 / 4}},
		{"at a cost", Options{EveryStream: time.Second, Cost: costs(20 * time.Millisecond)}, []event.Time{second, 5 * second, 9 * second}},
		{"cheap", Options{EveryStream: 4 * time.Second, Cost: costs(time.Millisecond)}, []event.Time{second, 5 * second, 9 * second}},
		{"not at all", Options{}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := observed(t, tc.opts); !slices.Equal(got, tc.want) {
				t.Errorf("snapshots at %v, want %v", got, tc.want)
			}
		})
	}
}

// TestObserveChangesNothing: what was observed on the way does not show in the end.
func TestObserveChangesNothing(t *testing.T) {
	t.Parallel()
	_, want := observed(t, Options{})
	_, got := observed(t, Options{EveryStream: time.Millisecond})
	if !reflect.DeepEqual(got, want) || want.Totals.Opens != 40 {
		t.Errorf("observed: %+v\nnot observed: %+v", got, want)
	}
}

// TestWanted: a snapshot that is not needed is not made, and the next one that is comes with the next batch.
func TestWanted(t *testing.T) {
	t.Parallel()
	asked := 0
	seen, _ := observed(t, Options{EveryStream: time.Millisecond, Wanted: func() bool { asked++; return asked == 3 }})
	if len(seen) != 1 || asked < 4 {
		t.Errorf("%d snapshots were made, asked %d times; want the one of the third batch", len(seen), asked)
	}
}
