// Package playback says where the replay of a recording stands and what happened in it when,
// and reads such places as users write them.
package playback

import "github.com/porttrace/porttrace/internal/event"

// State is where the replay of a recording stands.
type State struct {
	Begin, End event.Time // of the recording
	At         event.Time // how far it has been played
	Clock      event.Clock
	Speed      float64 // times as fast as it happened
	Paused     bool
	Seeking    bool       // on the way to Target, as fast as it can be read
	Target     event.Time // valid while Seeking
	// Surveyed is the share of the recording that the pass over the whole of it has read; 1: the
	// Timeline is not Rough any more. 0 without such a pass.
	Surveyed float64
}

// Here returns the place from which a user goes on: that to which it is on the way, if it is.
func (p *State) Here() event.Time {
	if p.Seeking {
		return p.Target
	}
	return p.At
}

// Ended reports whether all of it has been played.
func (p *State) Ended() bool { return p.At >= p.End }
