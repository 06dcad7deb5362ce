package snapshot

import "time"

const (
	// tightShare is how much of a space is taken when one begins to speak of it.
	tightShare = 0.8
	// stillFailing is how long after a call found no port the space counts as one that has none.
	stillFailing = 10 * time.Second
)

// Taken is the share of the ports that the next call cannot have, 0 where the capacity is
// not known. Ports that would be reused at once are free in effect: a loopback space can
// be full of those and well.
func (s *PortSpace) Taken() float64 {
	if s.Capacity <= 0 {
		return 0
	}
	return float64(max(s.InUse()-s.Reusable, 0)) / float64(s.Capacity)
}

// TakenPercent is Taken in whole percents, 100 of a full space only. It counts with whole
// numbers: 29 of 50 are 58 %, and 57.99 where they are multiplied by 0.58.
func (s *PortSpace) TakenPercent() int {
	if s.Capacity <= 0 {
		return 0
	}
	return max(s.InUse()-s.Reusable, 0) * 100 / s.Capacity
}

// Fails reports whether calls have found no port of late.
func (s *PortSpace) Fails(now time.Time) bool {
	return !s.LastExhausted.IsZero() && now.Sub(s.LastExhausted) <= stillFailing
}

// Wanted reports whether anybody draws from the space. A BindSpace shares its ports with
// every connection of its address: many of those fill it, and need not matter to anybody.
func (s *PortSpace) Wanted() bool { return s.Kind != BindSpace || s.Opens > 0 || s.Exhausted > 0 }

// Tight reports whether the space deserves a word.
func (s *PortSpace) Tight(now time.Time) bool {
	return s.Fails(now) || s.Wanted() && s.Taken() > tightShare
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
	return s.Taken() > than.Taken()
}
