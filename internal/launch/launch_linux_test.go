package launch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	t.Cleanup(c.Close)
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
	c.Close()
	c.Close() // again does nothing
}

func TestCloseBeforeRelease(t *testing.T) {
	t.Parallel()
	c, file := start(t, "true")
	c.Close()
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
	for deadline := time.Now().Add(time.Minute); !has(file); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not run")
		}
	}
	c.Close()
	<-ended
	if _, err := os.Stat(linux.ProcPath(c.PID(), "")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("process %d is left: %v", c.PID(), err)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"no-such-program", "./no-such-program", os.TempDir()} {
		if c, err := Start([]string{name}); err == nil || !strings.HasPrefix(err.Error(), "starting the command: ") {
			t.Errorf("Start(%s) = %v, %v", name, c, err)
		}
	}
}
