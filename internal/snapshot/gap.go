package snapshot

import "time"

// Gap is a part of the stream that is missing from a recording.
type Gap struct {
	Begin      time.Time
	End        time.Time // zero if unknown
	Truncated  bool      // the recording was cut short there
	Unrecorded bool      // nothing was recorded between two files; if neither, the recording is damaged
}

// Cause returns the name of the cause in output.
func (g *Gap) Cause() string {
	switch {
	case g.Truncated:
		return "truncated"
	case g.Unrecorded:
		return "not recorded"
	}
	return "damaged"
}

// Missing returns why a part of the time is missing: a Cause, or nothing if none is. That a recording
// ends early leaves nothing out before its end.
func (s *Snapshot) Missing() string {
	cause := ""
	for i := range s.Gaps {
		if g := &s.Gaps[i]; !g.Truncated && (cause == "" || !g.Unrecorded) {
			cause = g.Cause()
		}
	}
	return cause
}

// Complete reports whether nothing is missing from the counts.
func (s *Snapshot) Complete() bool { return s.Health.Lost == 0 && len(s.Gaps) == 0 }
