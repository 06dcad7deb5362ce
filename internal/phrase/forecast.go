package phrase

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// When returns when a space will be full: in 40 s, never, now.
func When(f *snapshot.Forecast) string {
	switch {
	case !f.Known:
		return Unknown
	case f.Never:
		return "never"
	case f.ETA <= 0:
		return "now"
	}
	n, unit := rounded(f.ETA)
	return fmt.Sprintf("in %d %s", n, unit)
}

// interval returns the earliest and the latest time, empty if they add nothing to When.
func interval(f *snapshot.Forecast) string {
	switch {
	case !f.Known, f.Low <= 0:
		return ""
	case f.Never:
		n, unit := rounded(f.Low)
		return fmt.Sprintf("%d %s at the earliest", n, unit)
	}
	low, lowUnit := rounded(f.Low)
	high, highUnit := rounded(f.High)
	switch {
	case f.High < 0:
		return fmt.Sprintf("%d %s-never", low, lowUnit)
	case lowUnit != highUnit:
		return fmt.Sprintf("%d %s-%d %s", low, lowUnit, high, highUnit)
	case low == high:
		return ""
	}
	return fmt.Sprintf("%d-%d %s", low, high, highUnit)
}

// Forecast returns When with the interval: in 40 s (35-48 s).
func Forecast(f *snapshot.Forecast) string {
	if text := interval(f); text != "" {
		return When(f) + " (" + text + ")"
	}
	return When(f)
}

// ForecastSentence is Forecast with its condition.
func ForecastSentence(f *snapshot.Forecast) string {
	switch {
	case !f.Known:
		return "not known yet"
	case f.Never && interval(f) != "":
		return "never full at this rate; " + interval(f) + ", at the upper bound of the rate"
	case f.Never:
		return "never full at this rate"
	}
	return "full " + Forecast(f)
}

// rounded returns a duration in the greatest unit that gives at least two: a forecast is
// not exact, and is read in a hurry.
func rounded(d time.Duration) (n int64, unit string) {
	switch {
	case d < 2*time.Minute:
		return int64((d + time.Second/2) / time.Second), "s"
	case d < 2*time.Hour:
		return int64((d + time.Minute/2) / time.Minute), "min"
	case d < 48*time.Hour:
		return int64((d + time.Hour/2) / time.Hour), "h"
	}
	return int64((d + 12*time.Hour) / (24 * time.Hour)), "days"
}
