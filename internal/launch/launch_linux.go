package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Command is a started command. Close must be called.
type Command struct {
	pid     int
	release chan func() // receives what to call after the end; closed: the command must not run
	done    chan struct{}
}

// Start starts a command, which stops at the end of execve(2). It has this program's
// standard input and standard error; its output goes to standard error, too.
func Start(args []string) (*Command, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	c := &Command{release: make(chan func(), 1), done: make(chan struct{})}
	started := make(chan error, 1)
	go c.run(cmd, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// PID returns the id of the process.
func (c *Command) PID() uint32 { return uint32(c.pid) }

// Release lets the command run. After its end, and a moment for its last closes to arrive,
// ended is called. It must be called once at most, and not after Close.
func (c *Command) Release(ended func()) { c.release <- ended }

// Close kills the command if it was not released, else asks it to end, and waits for it.
func (c *Command) Close() {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.release)
	_ = syscall.Kill(c.pid, syscall.SIGTERM) // it may have ended by itself
	<-c.done
}

// run stays on one thread: the tracer of a process is a thread, and no other may release it.
func (c *Command) run(cmd *exec.Cmd, started chan<- error) {
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
	ended, released := <-c.release
	if !released {
		_ = cmd.Process.Kill()
	}
	_ = syscall.PtraceDetach(c.pid) // fails if the process was killed meanwhile, as Wait shows
	_ = cmd.Wait()                  // its exit status means nothing here
	if released {
		time.Sleep(lastClosesAfter)
		ended()
	}
}

// lastClosesAfter is the time in which the closes of an ended command arrive.
const lastClosesAfter = 200 * time.Millisecond
