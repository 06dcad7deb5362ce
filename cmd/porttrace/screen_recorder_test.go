package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui"
)

// recorderRun is a run with a recorder whose user does something between batches.
type recorderRun struct {
	*record.Reader
	t        *testing.T
	recorder *screenRecorder
	keeper   *screenKeeper
	n        int
	user     func(n int) // before batch n
	repeated int
}

func (r *recorderRun) Read(ctx context.Context) (event.Batch, error) {
	r.n++
	r.user(r.n)
	return r.Reader.Read(ctx)
}

func (r *recorderRun) Repeat() { r.repeated++ }

// runRecorder runs through the incident "proxy", and returns what it shows in the end.
func runRecorder(t *testing.T, user func(r *recorderRun, n int)) (*recorderRun, *snapshot.Snapshot) {
	t.Helper()
	reader, err := recorded.Open("proxy")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorderRun{Reader: reader, t: t}
	r.user = func(n int) { user(r, n) }
	r.recorder = newScreenRecorder(t.Context(), r)
	var opts pipeline.Options
	r.recorder.connect(&opts)
	r.keeper = newScreenKeeper(t.Context(), func() {})
	r.keeper.connect(&opts)
	shown, err := pipeline.Aggregate(t.Context(), r, opts)
	if err != nil {
		t.Fatal(err)
	}
	r.recorder.close()
	r.keeper.close()
	return r, shown
}

// toggle presses R, and waits until what is done beside the run is done.
func (r *recorderRun) toggle() {
	r.t.Helper()
	r.recorder.Toggle()
	r.await("a file", func() bool { return r.recorder.opened != nil || !r.recorder.busy || !r.recorder.wanted })
}

func (r *recorderRun) await(what string, is func() bool) {
	r.t.Helper()
	for range 1000 {
		r.recorder.mu.Lock()
		done := is()
		r.recorder.mu.Unlock()
		if done {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("waiting for " + what)
}

func files(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestScreenRecorder makes two recordings of a run: one ends by the key, one with the run.
func TestScreenRecorder(t *testing.T) {
	t.Chdir(t.TempDir())
	var states []tui.Recording
	r, shown := runRecorder(t, func(r *recorderRun, n int) {
		switch n {
		case 20, 60, 160:
			r.toggle()
		case 40:
			states = append(states, r.recorder.Recording())
		case 159: // more than accountWait later
			r.await("the end of the first", func() bool { return !r.recorder.busy })
			states = append(states, r.recorder.Recording())
		}
	})
	states = append(states, r.recorder.Recording())
	if first := states[0]; !first.Running || first.Since == 0 || first.Err != nil {
		t.Errorf("while it runs: %+v", first)
	}
	names := files(t)
	if len(names) != 2 || r.repeated != 2 {
		t.Fatalf("files %v, repeated %d times", names, r.repeated)
	}
	for _, state := range states[1:] {
		checkRecording(t, state)
	}
	if states[1].File == states[2].File {
		t.Errorf("both are in %s", states[1].File)
	}
	checkSpaces(t, states[2].File, shown)
	var printed strings.Builder
	r.recorder.print(&printed)
	if got := printed.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "events: porttrace replay "+states[1].File) {
		t.Errorf("printed %q", got)
	}
}

// checkRecording checks a file that was ended properly.
func checkRecording(t *testing.T, state tui.Recording) {
	t.Helper()
	info, err := os.Stat(state.File)
	if err != nil {
		t.Fatal(err)
	}
	if state.Running || state.Err != nil || info.Mode().Perm() != 0o600 || info.Size() != state.Bytes || state.Events == 0 {
		t.Errorf("%+v, and the file has mode %v and %d bytes", state, info.Mode(), info.Size())
	}
	reader, file, err := record.OpenFile(state.File)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if gaps := reader.Gaps(); len(gaps) > 0 {
		t.Errorf("%s lacks %+v", state.File, gaps)
	}
}

// checkSpaces compares the port spaces of the recording's end with those of the run.
func checkSpaces(t *testing.T, name string, run *snapshot.Snapshot) {
	t.Helper()
	reader, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	late, err := pipeline.Aggregate(t.Context(), reader, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(run.PortSpaces) == 0 || run.PortSpaces[0].TimeWait == 0 || len(late.PortSpaces) == 0 {
		t.Fatalf("%d spaces, and %d in %s", len(run.PortSpaces), len(late.PortSpaces), name)
	}
	if got, want := late.PortSpaces[0].Occupancy, run.PortSpaces[0].Occupancy; got != want {
		t.Errorf("%s ends with %+v, the run with %+v", name, got, want)
	}
}

// TestScreenRecorderFails: the run goes on, the next recording is another, and none that exists is
// overwritten.
func TestScreenRecorderFails(t *testing.T) {
	t.Chdir(t.TempDir())
	var failed tui.Recording
	_, shown := runRecorder(t, func(r *recorderRun, n int) {
		switch n {
		case 20:
			r.toggle()
			r.recorder.opened.file.Close() // no frame can be written
		case 98: // the pipeline is here, too: what is awaited must need nothing of it
			segment := r.recorder.segment
			r.await("that no frame was written", func() bool { return segment == nil || segment.EndBatch(0) != nil })
		case 100:
			r.await("the end of it", func() bool { return !r.recorder.busy })
			failed = r.recorder.Recording()
		case 110, 130, 230, 250: // mostly within a second, in which files have one name
			r.toggle()
		case 229: // more than accountWait later
			r.await("the end of the next", func() bool { return !r.recorder.busy })
		}
	})
	if failed.Err == nil || failed.Running || !strings.HasPrefix(failed.Err.Error(), "cannot record in /") {
		t.Errorf("%+v", failed)
	}
	if names := files(t); len(names) != 2 {
		t.Errorf("files %v", names)
	}
	if shown.Totals.ConnectFailures == 0 {
		t.Error("the run did not go on")
	}
}

// TestScreenRecorderNowhere: there is no directory to write to.
func TestScreenRecorderNowhere(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(directory)
	r, _ := runRecorder(t, func(r *recorderRun, n int) {
		if n == 20 {
			if err := os.Remove(directory); err != nil {
				t.Fatal(err)
			}
			r.toggle()
		}
	})
	state := r.recorder.Recording()
	if state.Err == nil || !strings.HasSuffix(state.Err.Error(), "no such file or directory") || state.Changes != 1 {
		t.Errorf("%+v", state)
	}
	r.recorder.Toggle()
	if late := r.recorder.Recording(); late.Err == nil || late.Running || late.Changes != 2 {
		t.Errorf("after the end: %+v", late)
	}
}

// records: R records the demo, and SIGTERM ends the recording properly.
func (with screenTests) records(t *testing.T) {
	t.Parallel()
	need.Root(t, "tracing")
	need.BTF(t)
	directory := t.TempDir()
	s := with.demoIn(t, directory, 100)
	s.await("a program of the demo", demo[0])
	s.press("R")
	s.await("a recording with something in it", regexp.MustCompile(`REC \d+s [\d.]+ [KM]iB`), regexp.MustCompile(`recording to porttrace-`))
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.restored()
	s.await("where it is", regexp.MustCompile(`recorded [\d,]+ events: porttrace replay porttrace-`))
	with.checkFiles(t, directory, 1)
}
