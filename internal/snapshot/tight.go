package snapshot

import "time"

const (
	// stillFailing is how long after a call found no port the space counts as one that has none.
	stillFailing = 10 * time.Second
)

// Fails reports whether calls have found no port of late.
func (s *PortSpace) Fails(now time.Time) bool {
	return !s.LastExhausted.IsZero() && now.Sub(s.LastExhausted) <= stillFailing
}

// Wanted reports whether anybody draws from the space. A BindSpace shares its ports with
// every connection of its address: many of those fill it, and need not matter to anybody.
func (s *PortSpace) Wanted() bool { return s.Kind != BindSpace || s.Opens > 0 || s.Exhausted > 0 }

// Tight reports whether the space deserves a word.
func (s *PortSpace) Tight(now time.Time) bool {
	return s.Fails(now) || s.Wanted() && s.IsNearlyFull()
}

// Tightest is the port space to name: the fullest of those that fail, else of those that
// are tight; nil when all is well. others is how many more there are.
func (s *Snapshot) Tightest() (tightest *PortSpace, others int) {
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		if !space.Tight(s.Wall) {
			continue
		}
		others++
		if tightest == nil || space.worse(tightest, s.Wall) {
			tightest = space
		}
	}
	return tightest, max(others-1, 0)
}

func (s *PortSpace) worse(than *PortSpace, now time.Time) bool {
	if s.Fails(now) != than.Fails(now) {
		return s.Fails(now)
	}
	return s.TakenShare() > than.TakenShare()
}
