package figures

import (
	"fmt"
	"math"
)

// doubt is the chance with which a bound is too low.
const doubt = 0.05

// Bound returns the upper bound of the rate of errors, with a confidence of 95 %, if this number of
// the cases were wrong and each case is a sample of its own: one-sided, exact (C. J. Clopper, E. S.
// Pearson: The use of confidence or fiducial limits, 1934). Without errors it is near 3 / cases,
// the rule of three. Without cases it is 1.
func Bound(wrong, cases int) float64 {
	if wrong >= cases {
		return 1
	}
	low, high := 0.0, 1.0
	for high-low > 1e-9 {
		rate := (low + high) / 2
		if atMost(wrong, cases, rate) > doubt {
			low = rate
		} else {
			high = rate
		}
	}
	return high
}

// atMost is the binomial distribution: the chance of at most this number of errors.
func atMost(wrong, cases int, rate float64) (sum float64) {
	for k := range wrong + 1 {
		sum += math.Exp(choices(cases, k) + float64(k)*math.Log(rate) + float64(cases-k)*math.Log1p(-rate))
	}
	return sum
}

// choices is the logarithm of the binomial coefficient.
func choices(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	in, _ := math.Lgamma(float64(k + 1))
	out, _ := math.Lgamma(float64(n - k + 1))
	return all - in - out
}

// boundText rounds up to two digits of a percent: "<= 0.57 %".
func boundText(wrong, cases int) string {
	return fmt.Sprintf("<= %.2f %%", math.Ceil(10000*Bound(wrong, cases)-1e-6)/100)
}
