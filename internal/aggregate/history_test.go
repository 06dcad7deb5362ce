package aggregate

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestQuantile holds the histogram to a fifth of the true quantile.
func TestQuantile(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"even": func() time.Duration { return time.Duration(random.Int64N(int64(time.Second))) },
		"long": func() time.Duration { return time.Duration(random.ExpFloat64() * float64(time.Hour)) },
		"short": func() time.Duration {
			return 10*time.Microsecond + time.Duration(random.Int64N(int64(time.Millisecond)))
		},
		"all one": func() time.Duration { return 71 * time.Millisecond },
	} {
		var whole, half lifetimes
		var all []time.Duration
		for i := range 10_000 {
			d := draw()
			all = append(all, d)
			if i%2 == 0 {
				whole.add(d)
			} else {
				half.add(d)
			}
		}
		whole.merge(&half)
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99} {
			want := all[int(q*float64(len(all)))]
			if want < 4*time.Microsecond {
				continue // whole microseconds
			}
			if got := whole.quantile(q); float64(got) < 0.8*float64(want) || float64(got) > 1.2*float64(want) {
				t.Errorf("%s: quantile %g is %s, want %s", name, q, got, want)
			}
		}
	}
	var none lifetimes
	if got := none.quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %s", got)
	}
	for _, d := range []time.Duration{-1, 0, 1, 1 << 62} {
		if class := classOf(d); class < 0 || class > maxClass || middleOf(class) < 0 {
			t.Errorf("%d is of class %d", d, class)
		}
	}
}

// TestSnapshotIsTheSameEachTime covers the order of every list.
func TestSnapshotIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	stream := randomStream(3, 6_000)
	first := of(stream...)
	a, b := first.Snapshot(0), first.Snapshot(0)
	if !reflect.DeepEqual(a, b) {
		t.Error("two snapshots of one moment differ")
	}
	// So do two runs, however they are cut into batches.
	second := newStream()
	for batch := range slices.Chunk(stream, 777) {
		second.Add(batch)
	}
	if c := second.Snapshot(0); !reflect.DeepEqual(a, c) {
		t.Error("two runs of one stream differ")
	}
}

// TestSnapshotDoesNotChange adds events to a state after its snapshot was taken.
func TestSnapshotDoesNotChange(t *testing.T) {
	t.Parallel()
	stream := randomStream(4, 4_000)
	s := of(stream[:2000]...)
	snap, want := s.Snapshot(0), of(stream[:2000]...).Snapshot(0)
	s.Add(stream[2000:])
	if !reflect.DeepEqual(snap, want) {
		t.Error("a snapshot has changed")
	}
}

func TestTimeDoesNotGoBack(t *testing.T) {
	t.Parallel()
	s := of(after(time.Minute, with(event.Open, nil)), with(event.Open, nil))
	if snap := s.Snapshot(begin); snap.At != begin.Add(time.Minute) || snap.Totals.Opens != 2 {
		t.Errorf("at %d: %+v", snap.At, snap.Totals)
	}
}
