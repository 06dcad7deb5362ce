package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// keep presses F, between two batches or after the end.
func (r *recorderRun) keep() { r.keeper.Keep() }

// TestScreenKeeper keeps what was until the middle of a run, beside a recording, and all of it after the
// end.
func TestScreenKeeper(t *testing.T) {
	t.Chdir(t.TempDir())
	r, shown := runRecorder(t, func(r *recorderRun, n int) {
		switch n {
		case 100:
			r.keep()
		case 110:
			r.toggle()
		}
	})
	r.keeper.beside.Wait()
	r.keep()
	var printed strings.Builder
	r.keeper.print(&printed)
	state := r.keeper.Kept()
	if len(files(t)) != 3 || len(r.keeper.made) != 2 || state.Changes != 2 || state.Err != nil || !state.All {
		t.Fatalf("files %v, state %+v", files(t), state)
	}
	checkRecording(t, r.recorder.Recording())
	for _, made := range r.keeper.made {
		info, err := os.Stat(made.File)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() != made.Bytes || made.Lacks != "" {
			t.Errorf("%+v, and the file is %+v: %v", made, info, err)
		}
		if !strings.Contains(printed.String(), "porttrace replay "+made.File+"\n") {
			t.Errorf("printed %q", printed.String())
		}
	}
	whole := r.keeper.made[1].File
	checkSpaces(t, whole, shown)
	// A head has what was there, and the first batches have it as well.
	if kept := aggregated(t, whole); kept.Totals.ConnectFailures != shown.Totals.ConnectFailures || kept.Totals.Opens != shown.Totals.Opens {
		t.Errorf("the file shows %+v, the run %+v", kept.Totals, shown.Totals)
	}
	if part := aggregated(t, r.keeper.made[0].File); part.At >= shown.At {
		t.Errorf("what was kept at first ends at %d, the run at %d", part.At, shown.At)
	}
}

// aggregated returns what a recording without gaps shows in the end.
func aggregated(t *testing.T, name string) *snapshot.Snapshot {
	t.Helper()
	reader, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if gaps := reader.Gaps(); len(gaps) > 0 {
		t.Errorf("%s lacks %+v", name, gaps)
	}
	shown, err := pipeline.Aggregate(t.Context(), reader, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// TestScreenKeeperNowhere: there is no directory to write to, and later there is.
func TestScreenKeeperNowhere(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(directory)
	r, _ := runRecorder(t, func(*recorderRun, int) {})
	if err := os.Remove(directory); err != nil {
		t.Fatal(err)
	}
	r.keep()
	r.keeper.beside.Wait()
	if state := r.keeper.Kept(); state.Err == nil || !strings.HasSuffix(state.Err.Error(), "no such file or directory") || state.Changes != 1 {
		t.Errorf("%+v", state)
	}
	t.Chdir(t.TempDir())
	r.keep()
	r.keeper.beside.Wait()
	if state := r.keeper.Kept(); state.Err != nil || len(files(t)) != 1 {
		t.Errorf("%+v, files %v", state, files(t))
	}
}

// keeps: F writes what a screen of the demo has in memory while R records, and SIGTERM ends both.
func (with screenTests) keeps(t *testing.T) {
	t.Parallel()
	need.Root(t, "tracing")
	need.BTF(t)
	directory := t.TempDir()
	s := with.demoIn(t, directory, 120)
	s.press("2", "g", "g", "g", "g", "g", "g")
	s.await("the programs of the demo", demo...)
	s.press("R")
	s.await("a recording", regexp.MustCompile(`REC \d+s [\d.]+ [KM]iB`))
	s.press("F")
	s.await("where it is", regexp.MustCompile(`kept \d+s, [\d.]+ [KM]iB: porttrace replay porttrace-`))
	s.press("c")
	s.await("the bound", regexp.MustCompile(`in memory +the last \d+s, [\d.]+ [KM]iB \(F writes`), regexp.MustCompile(`at most\s+4.0 MiB`))
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.restored()
	s.await("both files", regexp.MustCompile(`kept \d+s, .*porttrace replay`), regexp.MustCompile(`recorded [\d,]+ events: porttrace replay`))
	with.checkFiles(t, directory, 2)
}
