package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
)

// Recorder records what the live screen shows. Its methods return at once.
type Recorder interface {
	// Toggle begins a recording, or ends the one that runs.
	Toggle()
	// Recording returns what has become of it.
	Recording() Recording
}

// Recording is the recording that runs, or the last one.
type Recording struct {
	File    string // empty: none was begun
	Running bool
	Since   event.Time // when it began
	Bytes   int64      // that are in the file
	Events  uint64     // in these
	// Err is why it could not begin, or has ended without being asked to: a sentence for the user.
	Err error
	// Changes grows each time that a recording has begun or ended.
	Changes int
}

// recorderState is the Recorder and what it reported last.
type recorderState struct {
	recorder Recorder // nil: nothing can be recorded
	last     Recording
}

// toggleRecording is the key R.
func (m *Model) toggleRecording() {
	switch {
	case m.replay != nil:
		m.say(quiet, "this is a recording already")
	case m.recording.recorder == nil:
		m.say(quiet, "nothing can be recorded here")
	case m.recording.recorder.Recording().Running:
		m.recording.recorder.Toggle()
		m.say(quiet, "the recording ends")
	default:
		m.recording.recorder.Toggle()
		m.say(quiet, "a recording begins")
	}
}

// followRecording says what has become of the recording since the snapshot before.
func (m *Model) followRecording() {
	r := &m.recording
	if r.recorder == nil {
		return
	}
	before := r.last.Changes
	r.last = r.recorder.Recording()
	if r.last.Changes == before {
		return
	}
	switch file := printable.String(r.last.File); {
	case r.last.Running:
		m.say(good, "recording to "+file+"; R ends it")
	case r.last.Err != nil:
		m.say(fail, printable.String(r.last.Err.Error()))
	default:
		m.say(good, "recorded "+phrase.Plural(r.last.Events, "event")+": porttrace replay "+file)
	}
}

// recordingState returns the recording that runs, or that one has failed.
func (m *Model) recordingState() []piece {
	r := &m.recording.last
	switch {
	case r.Running:
		lasts, size := phrase.Elapsed(m.latest.At.Sub(r.Since)), phrase.Size(r.Bytes)
		return []piece{{tone: fail, forms: []string{"● REC " + lasts + " " + size, "● REC " + lasts, "● REC"}}}
	case r.Err != nil:
		return []piece{{tone: fail, forms: []string{"REC failed (R)", "REC failed"}}}
	}
	return nil
}
