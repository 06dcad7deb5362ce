package snapshot

import (
	"math"
	"time"
)

// Outlook returns when the space will be full: now if it is, else the forecast.
func (s *PortSpace) Outlook() Forecast {
	if s.IsFull() {
		return Forecast{Known: true, Model: s.Forecast.Model}
	}
	return s.Forecast
}

// timeToFull orders spaces by when they will be full: after those with a time come those
// that never will be, last those without a forecast.
func (s *PortSpace) timeToFull() time.Duration {
	f := s.Outlook()
	switch {
	case !f.Known:
		return math.MaxInt64
	case f.Never:
		return math.MaxInt64 - 1
	}
	return f.ETA
}
