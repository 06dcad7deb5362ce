package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Player is how the screen steers a replay. Its methods return at once; what
// changes is followed by a snapshot, if need be the same one again.
type Player interface {
	Playback() snapshot.Playback // where it stands now
	Timeline() []snapshot.Span   // does not change
	TogglePause()
	Step()                  // one step on, and paused there
	SetSpeed(times float64) // within 0.1 and 1000
	Seek(to event.Time)     // within the recording
	NextFailure()           // on to the next one after here, and paused there
}
