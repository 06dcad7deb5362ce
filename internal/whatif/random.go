package whatif

import (
	"math"
	"time"
)

// random is the generator splitmix64: its state is one number, and a seed fixes all of it.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number below n, which must be positive.
func (r *random) below(n int) int { return int(r.next() >> 1 % uint64(n)) }

// unit returns a number in [0, 1).
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// chance reports whether something of that probability happens.
func (r *random) chance(probability float64) bool {
	switch {
	case probability <= 0:
		return false
	case probability >= 1:
		return true
	}
	return r.unit() < probability
}

// exponential returns an exponentially distributed time.
func (r *random) exponential(mean float64) float64 { return -mean * math.Log1p(-r.unit()) }

// lifetime returns how long the next connection, or request, of the load lasts.
func (r *random) lifetime(l *Load) int64 {
	switch {
	case len(l.Lifetimes) > 0:
		return int64(l.Lifetimes[r.below(len(l.Lifetimes))])
	case l.Exponential:
		return int64(r.exponential(float64(l.Lifetime)))
	}
	return int64(l.Lifetime)
}

// meanLifetime returns the mean of those.
func (l *Load) meanLifetime() time.Duration {
	if len(l.Lifetimes) == 0 {
		return l.Lifetime
	}
	var sum float64
	for _, one := range l.Lifetimes {
		sum += float64(one)
	}
	return time.Duration(sum / float64(len(l.Lifetimes)))
}
