package aggregate

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func opens(points []snapshot.Point) []uint32 {
	var values []uint32
	for _, p := range points {
		values = append(values, p.Opens)
	}
	return values
}

func TestHistory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		at   []time.Duration
		now  time.Duration
		want []uint32
	}{
		{"nothing", nil, 9 * time.Second, nil},
		{"the second has not ended", []time.Duration{0}, 999 * time.Millisecond, nil},
		{"one", []time.Duration{0, 1}, time.Second, []uint32{2}},
		{"a gap", []time.Duration{time.Second, 4 * time.Second}, 6 * time.Second, []uint32{1, 0, 0, 1, 0}},
		{
			"a late event",
			[]time.Duration{3 * time.Second, time.Second, 2 * time.Second, time.Second},
			5 * time.Second,
			[]uint32{2, 1, 1, 0},
		},
		{"long ago", []time.Duration{0}, 121 * time.Second, nil},
		{"the oldest second", []time.Duration{0}, 120 * time.Second, append([]uint32{1}, make([]uint32, 119)...)},
	} {
		var h history
		for _, at := range tc.at {
			h.add(begin.Add(at), snapshot.Point{Opens: 1})
		}
		if got := opens(h.points(begin.Add(tc.now))); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	var h, other history
	for i := range 500 {
		h.add(begin.Add(time.Duration(i)*time.Second), snapshot.Point{Opens: uint32(i)})
		other.add(begin.Add(time.Duration(i)*time.Second), snapshot.Point{Opens: 1, Failures: 1})
	}
	h.add(begin, snapshot.Point{Opens: 1_000_000}) // too late for what is kept
	check := func(add uint32) {
		t.Helper()
		got := opens(h.points(begin.Add(500 * time.Second)))
		if len(got) != snapshot.HistorySeconds || got[0] != 380+add || got[119] != 499+add || cap(h.seconds) > 2*snapshot.HistorySeconds {
			t.Errorf("%d points from %d to %d", len(got), got[0], got[len(got)-1])
		}
	}
	check(0)
	h.merge(&other)
	check(1)
	h.add(begin.Add(400*time.Second), snapshot.Point{Opens: 1})
	if got := opens(h.points(begin.Add(500 * time.Second))); got[20] != 402 {
		t.Errorf("second 400 has %d", got[20])
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	ten := snapshot.Point{Opens: 10, Closes: 5, Failures: 1}
	for _, tc := range []struct {
		name    string
		seconds []int // in which ten opens were, from the start
		now     time.Duration
		want    float64
	}{
		{"nothing", nil, time.Second, 0},
		{"less than a second", []int{0}, 100 * time.Millisecond, 10},
		{"since the start", []int{0, 1}, 2 * time.Second, 10},
		{"the window", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 9999999999, 10},
		{"it has ended", []int{0, 1}, time.Minute, 0},
		{"half of the window", []int{50, 51}, 54 * time.Second, 5},
	} {
		var h history
		for _, s := range tc.seconds {
			h.add(begin.Add(time.Duration(s)*time.Second), ten)
		}
		got := h.rates(begin, begin.Add(tc.now))
		if near(got.Opens, tc.want) && near(got.Closes, tc.want/2) && near(got.Failures, tc.want/10) {
			continue
		}
		t.Errorf("%s: got %+v, want %g opens", tc.name, got, tc.want)
	}
}

func near(got, want float64) bool { return got >= want*0.999999 && got <= want*1.000001 }

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
	second := New()
	for batch := range slices.Chunk(stream, 777) {
		second.Add(batch)
	}
	if c := second.Snapshot(0); !reflect.DeepEqual(a, c) {
		t.Error("two runs of one stream differ")
	}
}

// TestSnapshotDoesNotChange feeds the state on after it was looked at.
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
