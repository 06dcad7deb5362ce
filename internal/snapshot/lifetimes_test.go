package snapshot

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
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
		var whole, half Lifetimes
		var all []time.Duration
		for i := range 10_000 {
			d := draw()
			all = append(all, d)
			if i%2 == 0 {
				whole.Add(d)
			} else {
				half.Add(d)
			}
		}
		whole.Merge(&half)
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99} {
			want := all[int(q*float64(len(all)))]
			if want < 4*time.Microsecond {
				continue // whole microseconds
			}
			if got := whole.Quantile(q); float64(got) < 0.8*float64(want) || float64(got) > 1.2*float64(want) {
				t.Errorf("%s: quantile %g is %s, want %s", name, q, got, want)
			}
		}
	}
	var none Lifetimes
	if got := none.Quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %s", got)
	}
	for _, d := range []time.Duration{-1, 0, 1, 1 << 62} {
		if class := classOf(d); class < 0 || class > maxClass || middleOf(class) < 0 {
			t.Errorf("%d is of class %d", d, class)
		}
	}
}

// TestSharedLifetimes: what a snapshot has stays as it is, whatever is added later.
func TestSharedLifetimes(t *testing.T) {
	t.Parallel()
	var l Lifetimes
	l.Add(time.Second)
	shared := l.Share()
	for range 9 {
		l.Add(time.Second)
	}
	l.Add(time.Millisecond)
	if shared.total != 1 || shared.counts[classOf(time.Second)] != 1 || l.counts[classOf(time.Second)] != 10 {
		t.Errorf("the copy has %d, the original %d", shared.total, l.total)
	}
}

func TestDecades(t *testing.T) {
	t.Parallel()
	var l Lifetimes
	for _, d := range []time.Duration{
		0, 900 * time.Microsecond, 2 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond,
		5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour, time.Hour,
	} {
		l.Add(d)
	}
	var got []uint64
	for _, class := range l.Decades() {
		got = append(got, class.Count)
	}
	if want := []uint64{2, 1, 1, 1, 1, 1, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
