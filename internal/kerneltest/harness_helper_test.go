package kerneltest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// helperEnv makes this test binary one of the helper processes, and helperArgsEnv has the
// arguments as JSON. Helpers run what the tests start as another user, or kill: porttrace, in
// this binary, because a virtual machine has no other.
const (
	helperEnv     = "PORTTRACE_TEST_HELPER"
	helperArgsEnv = "PORTTRACE_TEST_HELPER_ARGS"
)

// helperLimit bounds a helper: a watcher waits until all others have attached.
const helperLimit = 10 * time.Minute

// helper is what such a process runs until its standard input ends.
type helper interface {
	run(ctx context.Context) error
}

func runHelper(name string) error {
	helpers := map[string]helper{"watcher": &watcher{}, "recorder": &recorder{}}
	h, known := helpers[name]
	if !known {
		return fmt.Errorf("no helper is named %q", name)
	}
	if err := json.Unmarshal([]byte(os.Getenv(helperArgsEnv)), h); err != nil {
		return fmt.Errorf("reading the arguments of helper %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), helperLimit)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the process that started this one
		cancel()
	}()
	return h.run(ctx)
}

// helperProc is a helper that runs.
type helperProc struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	output *json.Decoder
}

// startHelper starts a helper that ends with the test at the latest.
func startHelper(t *testing.T, name string, args helper, user *syscall.SysProcAttr) (*helperProc, error) {
	t.Helper()
	return startHelperOf(t, "/proc/self/exe", name, args, user)
}

// startHelperOf starts it from a copy of this binary.
func startHelperOf(t *testing.T, file, name string, args helper, user *syscall.SysProcAttr) (*helperProc, error) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(file)
	cmd.Env = append(os.Environ(), helperEnv+"="+name, helperArgsEnv+"="+string(text))
	cmd.SysProcAttr, cmd.Stderr = user, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // it has written on standard error what it could not do, or was killed
	})
	return &helperProc{cmd: cmd, stdin: stdin, output: json.NewDecoder(stdout)}, nil
}

// kill kills the helper, and returns when it has ended.
func (p *helperProc) kill() {
	_ = p.cmd.Process.Kill() // fails only if it has ended already
	_ = p.cmd.Wait()         // it was killed
}
