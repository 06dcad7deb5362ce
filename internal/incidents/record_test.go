package incidents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// build builds the command.
func build(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "porttrace")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../../cmd/porttrace")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building porttrace: %v: %s", err, output)
	}
	return binary
}

// signalModes returns how each signal is observed here: exact, inferred or off.
func signalModes(t *testing.T, binary string) map[string]event.Signal {
	t.Helper()
	output, err := exec.Command(binary, "check", "--json").Output()
	noError(t, err)
	var check struct{ Signals event.Signals }
	noError(t, json.Unmarshal(output, &check))
	modes := map[string]event.Signal{}
	for _, s := range check.Signals {
		modes[s.Name] = s
	}
	return modes
}

// recording is "porttrace record" in the background.
type recording struct {
	binary, file string
	warden       *warden
	cmd          *exec.Cmd
	messages     lockedBuffer
}

// record starts a recording of the whole host, and returns when it traces.
func record(t *testing.T, w *warden, binary, file string) *recording {
	t.Helper()
	r, err := startRecording(w, binary, file, "-d", recordingTime.String())
	noError(t, err)
	return r
}

// startRecording does the same with these flags.
func startRecording(w *warden, binary, file string, flags ...string) (*recording, error) {
	r := &recording{binary: binary, file: file, warden: w}
	r.cmd = exec.Command(binary, append([]string{"record", "-o", file}, flags...)...)
	r.cmd.Stderr = &r.messages
	r.cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true} // the warden ends it with the test
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	if err := w.watch(r.cmd.Process.Pid); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(r.messages.String(), "recording to"); {
		if time.Now().After(deadline) {
			_ = r.cmd.Process.Kill()
			return nil, fmt.Errorf("recording does not start: %s", r.messages.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
	return r, nil
}

// wait waits for its end.
func (r *recording) wait(t *testing.T) {
	t.Helper()
	noError(t, r.end())
}

func (r *recording) end() error {
	if err := r.cmd.Wait(); err != nil {
		return fmt.Errorf("recording: %w: %s", err, r.messages.String())
	}
	return r.warden.forget(r.cmd.Process.Pid)
}

// lockedBuffer can be read while a process writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// answer is "porttrace doctor --json".
type answer struct {
	Schema   string    `json:"schema"`
	Verdict  string    `json:"verdict"`
	Findings []finding `json:"findings"`
}

type finding struct {
	ID         string     `json:"id"`
	Severity   string     `json:"severity"`
	Cause      string     `json:"cause"`
	Confidence string     `json:"confidence"`
	Summary    string     `json:"summary"`
	Netns      uint32     `json:"netns"`
	Since      string     `json:"since"`
	Until      string     `json:"until"`
	Evidence   []evidence `json:"evidence"`
	Victims    []victim   `json:"victims"`
	Advice     []advice   `json:"advice"`
}

type evidence struct {
	Text string `json:"text"`
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
}

type victim struct {
	PID      int    `json:"pid"`
	Comm     string `json:"comm"`
	Failures int    `json:"failures"`
}

type advice struct {
	Action  string `json:"action"`
	Command string `json:"command"`
	Undo    string `json:"undo"`
	Safety  string `json:"safety"`
	Effect  string `json:"effect"`
}

// doctor judges the recording, or a part of it by filters.
func (r *recording) doctor(t *testing.T, filters ...string) *answer {
	t.Helper()
	var output, messages bytes.Buffer
	cmd := exec.Command(r.binary, append([]string{"doctor", r.file, "--json", "--all"}, filters...)...)
	cmd.Stdout, cmd.Stderr = &output, &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) { // the status is the verdict
		t.Fatal(err)
	}
	a := &answer{}
	if err := json.Unmarshal(output.Bytes(), a); err != nil {
		t.Fatalf("doctor, status %d: %v: %s", cmd.ProcessState.ExitCode(), err, messages.String())
	}
	if want := statusOf(a); cmd.ProcessState.ExitCode() != want {
		t.Errorf("doctor has status %d, its findings are worth %d", cmd.ProcessState.ExitCode(), want)
	}
	return a
}

// statusOf returns the exit status that the findings ask for.
func statusOf(a *answer) int {
	status := 0
	for i := range a.Findings {
		switch a.Findings[i].Severity {
		case "warning":
			status = max(status, 1)
		case "critical":
			status = 2
		}
	}
	return status
}

// text is all of a finding, for a message.
func (f *finding) text() string {
	return fmt.Sprintf("%s %s, %s, %s to %q: %s; evidence %+v; victims %+v",
		f.Severity, f.ID, f.Confidence, f.Since, f.Until, f.Summary, f.Evidence, f.Victims)
}
