package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// recentFailure is how long after its last occurrence a failure is still reported as one of now.
	recentFailure = time.Minute
	// RecentExhaustion is the same of a call that found no port.
	RecentExhaustion = 10 * time.Second
)

// Recent reports whether the failure is one of now or of the last minute.
func (s *Snapshot) Recent(f *Failure) bool {
	return f.Rate > 0 || s.Wall.Sub(f.Last) <= recentFailure
}

// AtRisk reports whether the space needs attention: calls found no port in the last
// seconds, or it is nearly full and ports are allocated from it.
func (s *PortSpace) AtRisk(now time.Time) bool {
	return s.ExhaustedRecently(now) || s.HasAllocations() && s.IsNearlyFull()
}

// ExhaustedRecently reports whether a call found no port in the last seconds.
func (s *PortSpace) ExhaustedRecently(now time.Time) bool {
	return !s.LastExhausted.IsZero() && now.Sub(s.LastExhausted) <= RecentExhaustion
}

// IsUnanswered reports whether SYNs that wait for an answer take most of its ports.
func (s *PortSpace) IsUnanswered() bool { return s.Capacity > 0 && s.SynSent*2 > s.Capacity }

// Denies reports whether these are calls that found no port of the space. Of a failure whose local
// address is not known it is any space towards its destination.
func (s *PortSpace) Denies(f *Failure) bool {
	if f.Reason != event.RangeExhausted || f.Netns != s.Netns || f.Proto != s.Proto || f.NetnsGone != s.NetnsGone {
		return false
	}
	if s.Kind == BindSpace {
		return f.Op != event.OpConnect && f.Target.Addr == s.Local
	}
	return f.Op == event.OpConnect && f.Target == s.Remote && (f.Local.Addr == s.Local || f.Local.Addr.IP().IsUnspecified())
}

// HasAllocations reports whether any program allocates from the space. A BindSpace of TCP
// shares its ports with every connection of its address: those can fill it without harm when no
// program calls bind(0). Of UDP all sockets get their ports that way.
func (s *PortSpace) HasAllocations() bool {
	return s.Kind != BindSpace || s.Opens > 0 || s.Exhausted > 0 || s.Proto == event.UDP
}
