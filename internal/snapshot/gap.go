package snapshot

import "time"

// Gap is a part of the stream that is missing from a recording.
type Gap struct {
	Begin     time.Time
	End       time.Time // zero if unknown
	Truncated bool      // the recording was cut short there; otherwise it is damaged
}

// Cause returns the name of the cause in output.
func (g *Gap) Cause() string {
	if g.Truncated {
		return "truncated"
	}
	return "damaged"
}

// Complete reports whether nothing is missing from the counts.
func (s *Snapshot) Complete() bool { return s.Health.Lost == 0 && len(s.Gaps) == 0 }
