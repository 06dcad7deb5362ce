package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
)

// Player controls a replay. Its methods return at once; after each change it must deliver
// a snapshot, possibly the same one again.
type Player interface {
	Playback() playback.State     // the position now
	Timeline() *playback.Timeline // another one as soon as more is known
	TogglePause()
	Step()                  // one step forward, and paused there
	StepBack()              // one step back, and paused there
	SetSpeed(times float64) // within 0.1 and 1000
	Seek(to event.Time)     // within the recording
	Show()                  // the moment where it stands again, as the focus has changed
	NextIncident()          // to where the next one begins, and paused there
	PreviousIncident()      // to where the last one before began, and paused there
}
