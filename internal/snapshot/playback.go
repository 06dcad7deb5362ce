package snapshot

import "github.com/porttrace/porttrace/internal/event"

// Playback is where the replay of a recording stands.
type Playback struct {
	Begin, End event.Time // of the recording
	At         event.Time // how far it has been played
	Clock      event.Clock
	Speed      float64 // times as fast as it happened
	Paused     bool
	Seeking    bool       // on the way to Target, as fast as it can be read
	Target     event.Time // valid while Seeking
}

// Ended reports whether all of it has been played.
func (p *Playback) Ended() bool { return p.At >= p.End }

// Span is one piece of a recording and what happened in it. The pieces follow each
// other in time.
type Span struct {
	Begin, End event.Time
	Opens      uint64
	Closes     uint64
	Failures   uint64
	Damaged    bool // it cannot be read
}
