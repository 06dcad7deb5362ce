package pipeline

import "github.com/porttrace/porttrace/internal/deepcopy"

// Packed is a State as it was at a moment. It never changes, and can be read in any goroutine.
type Packed struct{ *deepcopy.Packed[State] }

// Pack returns the State as it is, without WatchThresholds.
func (s *State) Pack() Packed {
	watched := s.thresholds
	s.thresholds = nil
	packed := deepcopy.Pack(s, s.filter)
	s.thresholds = watched
	return Packed{packed}
}

// State returns a State that goes on from there by itself: events and snapshots of one do not
// change the other.
func (p Packed) State() *State {
	s := p.Unpack()
	if s.rows != nil {
		s.rows.Rebind()
	}
	return s
}
