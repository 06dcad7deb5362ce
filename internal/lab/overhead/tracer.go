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
)

// tracer is a running tracer. What it prints goes to /dev/null.
type tracer struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer // not to be read before ended is closed
	ended  chan struct{}
	err    error // how it ended, once ended is closed
}

// startTracer starts a tracer and gives it time to attach.
func startTracer(ctx context.Context, mode command, settle time.Duration) (*tracer, error) {
	t := &tracer{cmd: exec.Command(mode.args[0], mode.args[1:]...), ended: make(chan struct{})}
	t.cmd.Stderr = &t.stderr
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the tracer: %w", err)
	}
	go func() {
		t.err = t.cmd.Wait()
		close(t.ended)
	}()
	select {
	case <-time.After(settle):
		return t, nil
	case <-t.ended:
		return nil, t.died()
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), t.stop())
	}
}

func (t *tracer) died() error {
	return fmt.Errorf("the tracer ended by itself: %w: %s", t.err, bytes.TrimSpace(t.stderr.Bytes()))
}

// cpu returns the CPU time of all threads of the tracer so far, by its CPU clock
// (clock_getcpuclockid(3): the complement of the pid above three bits, of which
// 2 means the scheduler's clock).
func (t *tracer) cpu() (time.Duration, error) {
	var ts unix.Timespec
	clock := int32(^t.cmd.Process.Pid<<3 | 2)
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of the tracer: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// rss returns the greatest resident set of the tracer so far, in bytes: VmHWM of
// proc_pid_status(5). That of getrusage(2) would begin with ours, from before
// the exec.
func (t *tracer) rss() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of the tracer: %w", err)
	}
	for line := range bytes.Lines(text) {
		var kib int64
		if _, err := fmt.Sscanf(string(line), "VmHWM: %d kB", &kib); err == nil {
			return kib << 10, nil
		}
	}
	return 0, errors.New("reading the memory of the tracer: no VmHWM")
}

// stop ends the tracer as Ctrl-C does. One that ended before is an error.
func (t *tracer) stop() error {
	select {
	case <-t.ended:
		return t.died()
	default:
	}
	if err := t.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("stopping the tracer: %w", err)
	}
	select {
	case <-t.ended:
		return nil
	case <-time.After(5 * time.Second):
	}
	if err := t.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("killing the tracer: %w", err)
	}
	<-t.ended
	return nil
}
