package snapshot

import "time"

// Gap is a part of the stream that a recording does not hold any more.
type Gap struct {
	Begin     time.Time
	End       time.Time // zero where nobody knows how long it went on
	Truncated bool      // the recording was cut short there; otherwise it is damaged
}

// Cause says in one word why it is missing.
func (g *Gap) Cause() string {
	if g.Truncated {
		return "truncated"
	}
	return "damaged"
}

// Complete reports whether the counts are of all that happened.
func (s *Snapshot) Complete() bool { return s.Health.Lost == 0 && len(s.Gaps) == 0 }
