package tui

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// fakeRecorder becomes what a test says.
type fakeRecorder struct {
	toggled int
	state   Recording
}

func (f *fakeRecorder) Toggle()              { f.toggled++ }
func (f *fakeRecorder) Recording() Recording { return f.state }

func TestRecord(t *testing.T) {
	t.Parallel()
	m := screen(120, 30, fixture())
	recorder := &fakeRecorder{}
	m.recording.recorder = recorder
	check := func(what, top, status string) {
		t.Helper()
		lines := strings.Split(text(m), "\n")
		if got := lines[0]; strings.Contains(got, "REC") != (top != "") || !strings.Contains(got, top) {
			t.Errorf("%s: %q in the first line, want %q", what, got, top)
		}
		if got := lines[len(lines)-1]; !strings.Contains(got, status) {
			t.Errorf("%s: %q in the last line, want %q", what, got, status)
		}
	}
	become := func(state Recording) {
		state.Changes = recorder.state.Changes + 1
		recorder.state = state
		give(m, fixture())
	}
	press(m, "R")
	check("asked for", "", "a recording begins")

	begun := Recording{File: "night.ptrace", Running: true, Since: fixture().At.Add(-62 * time.Second), Bytes: 3_250_586}
	become(begun)
	check("running", "● REC 1m02s 3.1 MiB", "recording to night.ptrace; R ends it")
	press(m, "1")
	check("after a key", "● REC 1m02s 3.1 MiB", "help")
	press(m, "space")
	begun.Changes = recorder.state.Changes
	recorder.state.Since = fixture().At.Add(-63 * time.Second)
	give(m, fixture())
	check("frozen", "● REC 1m03s", "PAUSED")

	press(m, "R")
	check("to end", "● REC", "the recording ends")
	become(Recording{File: "night.ptrace", Events: 12_345})
	check("ended", "", "recorded 12,345 events: porttrace replay night.ptrace")
	become(Recording{Err: errors.New("cannot record in /\x1b[2J: no space left on device")})
	check("failed", "REC failed (R)", `cannot record in /\x1b[2J: no space left on device`)
	press(m, "R")
	become(begun)
	check("begun again", "● REC 1m02s", "recording to")
	if recorder.toggled != 3 {
		t.Errorf("toggled %d times", recorder.toggled)
	}
}

func TestNothingToRecord(t *testing.T) {
	t.Parallel()
	live := screen(80, 24, fixture(), "R")
	if got := text(live); !strings.Contains(got, "nothing can be recorded here") {
		t.Errorf("%s", got)
	}
}

func TestReplayIsARecording(t *testing.T) {
	t.Parallel()
	m := replayed(80, 24, recording(), fixture(), "R")
	if got := text(m); !strings.Contains(got, "this is a recording already") {
		t.Errorf("%s", got)
	}
}
