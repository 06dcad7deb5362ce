package snapshot

import (
	"fmt"
	"math"
	"time"
)

// Outlook is when the space will be full. One that is full needs no forecast.
func (s *PortSpace) Outlook() Forecast {
	if s.IsFull() {
		return Forecast{Known: true, Model: s.Forecast.Model}
	}
	return s.Forecast
}

// When says it in plain words, "-" where nothing can be said.
func (f *Forecast) When() string {
	switch {
	case !f.Known:
		return "-"
	case f.Never:
		return "never"
	case f.ETA <= 0:
		return "now"
	}
	n, unit := rounded(f.ETA)
	return fmt.Sprintf("in %d %s", n, unit)
}

// Interval is from when to when, empty where that says no more than When.
func (f *Forecast) Interval() string {
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

// String is When with its Interval.
func (f *Forecast) String() string {
	if interval := f.Interval(); interval != "" {
		return f.When() + " (" + interval + ")"
	}
	return f.When()
}

// dueIn orders by when a space will be full: those that never will last, but for those of
// which nothing is known.
func (s *PortSpace) dueIn() time.Duration {
	f := s.Outlook()
	switch {
	case !f.Known:
		return math.MaxInt64
	case f.Never:
		return math.MaxInt64 - 1
	}
	return f.ETA
}

// rounded is a duration in the greatest unit of which there are two at least: a forecast
// is not exact, and is read in a hurry.
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
