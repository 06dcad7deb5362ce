package figures

import (
	"math"
	"testing"
)

// Bounds of a published table (one-sided 95 %), and the closed form without errors.
func TestBound(t *testing.T) {
	for _, c := range []struct {
		wrong, cases int
		want         float64
	}{
		{0, 0, 1},
		{5, 5, 1},
		{0, 1, 0.95},
		{0, 10, 0.2589},
		{1, 10, 0.3942},
		{5, 10, 0.7776},
		{9, 10, 0.9949},
		{0, 300, 1 - math.Pow(0.05, 1.0/300)},
		{0, 5000, 1 - math.Pow(0.05, 1.0/5000)},
	} {
		if got := Bound(c.wrong, c.cases); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("%d of %d: %.5f, want %.5f", c.wrong, c.cases, got, c.want)
		}
	}
	if got := boundText(0, 300); got != "<= 1.00 %" {
		t.Errorf("300 without errors: %s", got)
	}
	if got := boundText(0, 533); got != "<= 0.57 %" {
		t.Errorf("533 without errors: %s", got)
	}
}
