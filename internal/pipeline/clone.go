package pipeline

import "github.com/porttrace/porttrace/internal/deepcopy"

// Clone returns a State that goes on from here by itself, and about how many bytes it takes.
// Events and snapshots of one do not change the other.
func (s *State) Clone() (*State, int) {
	clone, size := deepcopy.Of(s, s.filter)
	if clone.rows != nil {
		clone.rows.Rebind()
	}
	return clone, size
}
