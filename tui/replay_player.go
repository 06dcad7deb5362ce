package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
)

// Player controls a replay. Its methods return at once; after each change it must deliver
// a snapshot, possibly the same one again.
type Player interface {
	Playback() playback.State // the position now
	Timeline() []event.Span   // does not change
	TogglePause()
	Step()                  // one step forward, and paused there
	SetSpeed(times float64) // within 0.1 and 1000
	Seek(to event.Time)     // within the recording
	Show()                  // the moment where it stands again, as the focus has changed
	NextFailure()           // to the next one from here, and paused there
}
