package launch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/linux"
)

// start starts a shell that makes a file and then runs a script.
func start(t *testing.T, script string) (c *Command, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "ran")
	c, err := Start([]string{"sh", "-c", `echo >"$0"; ` + script, file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(nil) })
	return c, file
}

func has(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func TestRelease(t *testing.T) {
	t.Parallel()
	c, file := start(t, "exit 3")
	status, err := os.ReadFile(linux.ProcPath(c.PID(), "status"))
	if err != nil || !strings.Contains(string(status), "t (tracing stop)") || has(file) {
		t.Fatalf("it does not wait: %v\n%s", err, status)
	}
	ended := make(chan struct{})
	c.Release(func() { close(ended) })
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("its end is not reported")
	}
	if !has(file) {
		t.Error("it did not run")
	}
	c.Close(nil)
	c.Close(nil) // again does nothing
}

func TestCloseBeforeRelease(t *testing.T) {
	t.Parallel()
	c, file := start(t, "true")
	c.Close(nil)
	if has(file) {
		t.Error("it ran although it was not released")
	}
	if _, err := os.Stat(linux.ProcPath(c.PID(), "")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("process %d is left: %v", c.PID(), err)
	}
}

func TestCloseWhileRunning(t *testing.T) {
	t.Parallel()
	c, file := start(t, "exec sleep 600")
	ended := make(chan struct{})
	c.Release(func() { close(ended) })
	waitFor(t, file)
	c.Close(nil)
	<-ended
	if _, err := os.Stat(linux.ProcPath(c.PID(), "")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("process %d is left: %v", c.PID(), err)
	}
}

func waitFor(t *testing.T, file string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !has(file); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not run")
		}
	}
}

// TestCloseOfACommandThatIgnoresSignals: it gets a grace, or none if the user is in a hurry.
// What it has started is not killed.
func TestCloseOfACommandThatIgnoresSignals(t *testing.T) {
	t.Parallel()
	now := make(chan struct{})
	close(now)
	for _, tc := range []struct {
		name        string
		hurry       chan struct{}
		least, most time.Duration
	}{
		{"with grace", nil, grace, grace + 30*time.Second},
		{"in a hurry", now, 0, grace},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// The shell makes the file again once it ignores the signals and has a child.
			c, file := start(t, `rm "$0"; trap "" INT TERM HUP; sleep 60 & echo $! >"$0.tmp"; mv "$0.tmp" "$0"; while :; do sleep 0.05; done`)
			c.Release(func() {})
			child := childOf(t, file)
			t.Cleanup(func() { _ = child.Kill() })
			begun := time.Now()
			c.Close(tc.hurry)
			if took := time.Since(begun); took < tc.least || took > tc.most {
				t.Errorf("it took %v", took)
			}
			if _, err := os.Stat(linux.ProcPath(c.PID(), "")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("process %d is left: %v", c.PID(), err)
			}
			if err := child.Signal(syscall.Signal(0)); err != nil {
				t.Errorf("its child was ended, too: %v", err)
			}
		})
	}
}

// childOf returns the process whose pid is in the file, once it is there.
func childOf(t *testing.T, file string) *os.Process {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			child, err := os.FindProcess(pid)
			if err != nil {
				t.Fatal(err)
			}
			return child
		}
	}
	t.Fatal("it has no child")
	return nil
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"no-such-program", "./no-such-program", os.TempDir()} {
		if c, err := Start([]string{name}); err == nil || !strings.HasPrefix(err.Error(), "starting the command: ") {
			t.Errorf("Start(%s) = %v, %v", name, c, err)
		}
	}
}
