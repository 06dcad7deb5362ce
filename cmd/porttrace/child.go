package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a command that is traced from its first instruction: it is started under
// ptrace(2), which stops it at the end of execve, and let go when tracing is on.
type child struct {
	pid     int
	proceed chan func() // what to call when the command has ended
	done    chan struct{}
}

func startStopped(args []string) (*child, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	c := &child{proceed: make(chan func(), 1), done: make(chan struct{})}
	started := make(chan error, 1)
	go c.run(cmd, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// run keeps to one thread, the only one that may let the command go.
func (c *child) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	if err := cmd.Start(); err != nil {
		started <- fmt.Errorf("starting the command: %w", err)
		return
	}
	c.pid = cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.pid, &status, 0, nil); err != nil || !status.Stopped() {
		started <- errors.New("starting the command: it ended before its first instruction")
		return
	}
	started <- nil
	ended, ok := <-c.proceed
	if !ok { // nobody wants it any more
		_ = cmd.Process.Kill()
	}
	// An error means that it has been killed meanwhile, which Wait tells.
	_ = syscall.PtraceDetach(c.pid)
	_ = cmd.Wait() // how the command ended is its own affair
	if ok {
		time.Sleep(lastClosesAfter)
		ended()
	}
}

// lastClosesAfter is the time that the closes of an ended command get to arrive.
const lastClosesAfter = 200 * time.Millisecond

// release lets the command run; ended is called after its end.
func (c *child) release(ended context.CancelFunc) { c.proceed <- ended }

// end kills the command if it was never let go, else asks it to end.
func (c *child) end() {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.proceed)
	_ = syscall.Kill(c.pid, syscall.SIGTERM) // it may have ended by itself
	<-c.done
}
