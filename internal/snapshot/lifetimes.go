package snapshot

import (
	"cmp"
	"slices"
	"time"
)

// lifetimes are the quantiles of several rows, weighted by their closed connections.
type lifetimes struct{ p50, p99 []weighted }

type weighted struct {
	value  time.Duration
	weight uint64
}

func (l *lifetimes) add(t *Totals) {
	if t.LifetimeP50 == 0 {
		return // none has ended
	}
	l.p50 = append(l.p50, weighted{t.LifetimeP50, t.ClosesOut})
	l.p99 = append(l.p99, weighted{t.LifetimeP99, t.ClosesOut})
}

func (l *lifetimes) quantiles() (p50, p99 time.Duration) {
	return quantile(l.p50, 0.5), quantile(l.p99, 0.99)
}

// quantile returns the duration below which the share q of the weight lies, 0 without any.
func quantile(values []weighted, q float64) time.Duration {
	slices.SortFunc(values, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var all, below uint64
	for _, w := range values {
		all += w.weight
	}
	for _, w := range values {
		if below += w.weight; below > uint64(q*float64(all)) {
			return w.value
		}
	}
	return 0
}
