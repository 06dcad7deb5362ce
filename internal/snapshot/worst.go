package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// recentFailure is how long after its last occurrence a failure is still reported as one of now.
	recentFailure = time.Minute
	// recentExhaustion is the same of a call that found no port.
	recentExhaustion = 10 * time.Second
)

// Recent reports whether the failure is one of now or of the last minute.
func (s *Snapshot) Recent(f *Failure) bool {
	return f.Rate > 0 || s.Wall.Sub(f.Last) <= recentFailure
}

// WorstSpace returns the port space to report first: the fullest of those that were
// exhausted recently, else of those at risk; nil without either. others is how many more
// there are.
func (s *Snapshot) WorstSpace() (worst *PortSpace, others int) {
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		if !space.AtRisk(s.Wall) {
			continue
		}
		others++
		if worst == nil || space.worse(worst, s.Wall) {
			worst = space
		}
	}
	return worst, max(others-1, 0)
}

func (s *PortSpace) worse(than *PortSpace, now time.Time) bool {
	if s.ExhaustedRecently(now) != than.ExhaustedRecently(now) {
		return s.ExhaustedRecently(now)
	}
	return s.TakenShare() > than.TakenShare()
}

// AtRisk reports whether the space needs attention: calls found no port in the last
// seconds, or it is nearly full and ports are allocated from it.
func (s *PortSpace) AtRisk(now time.Time) bool {
	return s.ExhaustedRecently(now) || s.HasAllocations() && s.IsNearlyFull()
}

// ExhaustedRecently reports whether a call found no port in the last seconds.
func (s *PortSpace) ExhaustedRecently(now time.Time) bool {
	return !s.LastExhausted.IsZero() && now.Sub(s.LastExhausted) <= recentExhaustion
}

// HasAllocations reports whether any program allocates from the space. A BindSpace of TCP
// shares its ports with every connection of its address: those can fill it without harm when no
// program calls bind(0). Of UDP all sockets get their ports that way.
func (s *PortSpace) HasAllocations() bool {
	return s.Kind != BindSpace || s.Opens > 0 || s.Exhausted > 0 || s.Proto == event.UDP
}
