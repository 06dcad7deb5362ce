package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopGrace is how long Stop waits after SIGTERM before it kills.
const stopGrace = 2 * time.Second

// Proc is a process that runs a job inside a namespace.
type Proc struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *os.File
	values *json.Decoder // what the job reports
	stderr bytes.Buffer  // not to be read before done is closed
	done   chan struct{}
	err    error // how it ended, once done is closed
}

// Spawn starts a job inside the namespace, under a name that ps and tracers show
// (15 bytes of it). The process is this very binary: see MaybeRun. It has the files open
// from descriptor 3 on.
func (n *Netns) Spawn(name string, job Job, files ...*os.File) (*Proc, error) {
	p, err := n.spawn(name, job, files)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

func (n *Netns) spawn(name string, job Job, files []*os.File) (*Proc, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	p := &Proc{name: name, done: make(chan struct{})}
	p.cmd = exec.Command("/proc/self/exe")
	p.cmd.Args = []string{name}
	p.cmd.Env = append(os.Environ(), roleEnv+"="+job.role(), jobEnv+"="+string(text))
	p.cmd.Stderr, p.cmd.ExtraFiles = &p.stderr, files
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	// Not cmd.StdoutPipe: Wait closes that one, whether all is read or not.
	stdout, child, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer child.Close()
	p.cmd.Stdout, p.stdout, p.values = child, stdout, json.NewDecoder(stdout)
	if err := n.Start(p.cmd); err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Name returns the name under which the process was started.
func (p *Proc) Name() string { return p.name }

// PID returns the process id.
func (p *Proc) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and was waited for.
func (p *Proc) Done() <-chan struct{} { return p.done }

// Decode waits for the next value that the job reports.
func (p *Proc) Decode(v any) error {
	if err := p.values.Decode(v); err != nil {
		return fmt.Errorf("reading the report of %s: %w", p.name, errors.Join(err, p.Release()))
	}
	return nil
}

// Release closes the standard input of the process, at which the job closes
// what it holds and ends, and waits for that.
func (p *Proc) Release() error {
	_ = p.stdin.Close() // fails only if the process has ended already
	<-p.done
	_ = p.stdout.Close() // read only: nothing can be lost
	return p.exit()
}

// Stop ends the process, with SIGKILL if SIGTERM does not do, and waits for it.
func (p *Proc) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended already
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.stdout.Close()
}

// exit returns how a process ended; nil if it did its job.
func (p *Proc) exit() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s (pid %d): %w: %s", p.name, p.PID(), p.err, bytes.TrimSpace(p.stderr.Bytes()))
}

// Run starts a job, waits for its report and then for its end.
func (n *Netns) Run(name string, job Job, report any) error {
	p, err := n.Spawn(name, job)
	if err != nil {
		return err
	}
	if err := p.Decode(report); err != nil {
		return err
	}
	return p.Release()
}
