package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Command is a started command. Close must be called.
type Command struct {
	process *os.Process
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
func (c *Command) PID() uint32 { return uint32(c.process.Pid) }

// Release lets the command run. After its end, and a moment for its last closes to arrive,
// ended is called. It must be called once at most, and not after Close.
func (c *Command) Release(ended func()) { c.release <- ended }

// grace is how long a command may take to end when it is asked to, and how long it may take
// to be gone once it is killed.
const grace = 2 * time.Second

// Close kills the command if it was not released, else asks it to end. A command that does
// not end within the grace, or by the time that hurry is closed, is killed. It alone is: a
// program that the command has started belongs to the command.
func (c *Command) Close(hurry <-chan struct{}) {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.release)
	c.signal(syscall.SIGTERM)
	if c.ended(hurry) {
		return
	}
	c.signal(syscall.SIGKILL)
	c.ended(nil) // a process that the kernel holds back cannot be waited for
}

// signal does nothing if the process has ended: its pid may be that of another then.
func (c *Command) signal(s syscall.Signal) { _ = c.process.Signal(s) }

// ended waits for the end of the command, for the grace or until hurry is closed.
func (c *Command) ended(hurry <-chan struct{}) bool {
	select {
	case <-c.done:
		return true
	case <-hurry:
	case <-time.After(grace):
	}
	return false
}

// run stays on one thread: the tracer of a process is a thread, and no other may release it.
func (c *Command) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	if err := cmd.Start(); err != nil {
		started <- fmt.Errorf("starting the command: %w", startError(cmd.Args[0], err))
		return
	}
	c.process = cmd.Process
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.process.Pid, &status, 0, nil); err != nil || !status.Stopped() {
		started <- errors.New("starting the command: it ended before its first instruction")
		return
	}
	started <- nil
	ended, released := <-c.release
	if !released {
		c.signal(syscall.SIGKILL)
	}
	_ = syscall.PtraceDetach(c.process.Pid) // fails if the process was killed meanwhile, as Wait shows
	_ = cmd.Wait()                          // its exit status means nothing here
	if released {
		time.Sleep(lastClosesAfter)
		ended()
	}
}

// startError names the command and what the system says of it, without the name of the call.
func startError(command string, err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%s: no such program in $PATH", command)
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", command, path.Err)
	}
	return err
}

// lastClosesAfter is the time in which the closes of an ended command arrive.
const lastClosesAfter = 200 * time.Millisecond
