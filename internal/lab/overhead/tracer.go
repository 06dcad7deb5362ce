package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab/terminal"
)

// tracer is a running tracer, or a floor.
type tracer struct {
	pid  int
	stop func() error // ends it as Ctrl-C does; that it has ended before is an error
}

const (
	attachLimit = 10 * time.Second      // how long a tracer may take to attach
	attachCheck = 50 * time.Millisecond // how often that is checked
	endLimit    = 5 * time.Second       // how long it may take to end
)

// startTracer starts a tracer and waits until it has attached.
func startTracer(ctx context.Context, m mode, settle time.Duration) (*tracer, error) {
	start := startPiped
	if m.kind == screen {
		start = startScreen
	}
	t, err := start(m.args)
	if err != nil {
		return nil, fmt.Errorf("starting the tracer: %w", err)
	}
	if err := t.awaitPrograms(ctx, settle); err != nil {
		return nil, errors.Join(err, t.stop())
	}
	return t, nil
}

// awaitPrograms waits until the tracer has had the same BPF programs for a while.
func (t *tracer) awaitPrograms(ctx context.Context, settle time.Duration) error {
	limit := time.Now().Add(attachLimit)
	held, since := 0, time.Now()
	for time.Now().Before(limit) {
		ids, err := heldBy(t.pid, "prog_id")
		if err != nil {
			return err
		}
		if len(ids) != held {
			held, since = len(ids), time.Now()
		}
		if held > 0 && time.Since(since) >= settle {
			return nil
		}
		if err := sleep(ctx, attachCheck); err != nil {
			return err
		}
	}
	return fmt.Errorf("no BPF programs within %s", attachLimit)
}

// startPiped starts a tracer of which the output goes to /dev/null.
func startPiped(args []string) (*tracer, error) {
	var stderr bytes.Buffer // not to be read before it has ended
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return &tracer{cmd.Process.Pid, func() error {
		select {
		case err := <-ended:
			return fmt.Errorf("the tracer has ended by itself: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
		default:
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return fmt.Errorf("stopping the tracer: %w", err)
		}
		select {
		case <-ended:
			return nil
		case <-time.After(endLimit):
		}
		if err := cmd.Process.Kill(); err != nil {
			return fmt.Errorf("killing the tracer: %w", err)
		}
		<-ended
		return nil
	}}, nil
}

// startScreen starts a tracer in a terminal of a usual size.
func startScreen(args []string) (*tracer, error) {
	t, err := terminal.Start(terminal.Options{Args: args, Width: 120, Height: 40})
	if err != nil {
		return nil, err
	}
	return &tracer{t.PID(), func() error {
		if err := t.Press("ctrl+c"); err != nil {
			return errors.Join(fmt.Errorf("stopping the tracer: %w", err), t.Close())
		}
		return errors.Join(t.Wait(endLimit), t.Close())
	}}, nil
}

// cpu returns the CPU time of all threads of the tracer so far, by its CPU clock
// (clock_getcpuclockid(3): the complement of the pid above three bits, of which
// 2 means the scheduler's clock).
func (t *tracer) cpu() (time.Duration, error) {
	var ts unix.Timespec
	clock := int32(^t.pid<<3 | 2)
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of the tracer: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// Fields of proc_pid_status(5). The maximum of getrusage(2) would begin with ours, from before
// the exec.
const (
	resident     = "VmRSS"
	peakResident = "VmHWM"
)

// memory returns the resident set of the tracer, in bytes.
func (t *tracer) memory(field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of the tracer: %w", err)
	}
	for line := range bytes.Lines(text) {
		var kib int64
		if _, err := fmt.Sscanf(string(line), field+": %d kB", &kib); err == nil {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("reading the memory of the tracer: no %s", field)
}
