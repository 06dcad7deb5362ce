package built

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bound is how long anything may take. No test asserts a time: a machine that is this slow has
// another fault.
const Bound = time.Minute

// Output is what a process writes, readable while it does.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Process is the program, without a terminal.
type Process struct {
	Cmd            *exec.Cmd
	Stdout, Stderr Output
	Ended          chan struct{} // closed when it has ended
	Err            error         // of Wait, once Ended is closed
}

// Start starts the program, which ends with the test at the latest, and waits until its standard error
// has a text.
func Start(t testing.TB, cmd *exec.Cmd, text string) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, Ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Stdout, &p.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Err = cmd.Wait()
		close(p.Ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if it has ended
		<-p.Ended
	})
	Eventually(t, "it traces", func() bool {
		select {
		case <-p.Ended:
			t.Fatalf("%s: %v: %s", strings.Join(cmd.Args, " "), p.Err, p.Stderr.String())
		default:
		}
		return strings.Contains(p.Stderr.String(), text)
	})
	return p
}

// End interrupts it as Ctrl-C does, and waits.
func (p *Process) End(t testing.TB) {
	t.Helper()
	_ = p.Cmd.Process.Signal(os.Interrupt) // fails if it has ended: then Err says why
	p.Await(t)
	if p.Err != nil {
		t.Fatalf("%v: %s", p.Err, p.Stderr.String())
	}
}

// Await waits for its end.
func (p *Process) Await(t testing.TB) {
	t.Helper()
	select {
	case <-p.Ended:
	case <-time.After(Bound):
		t.Fatal("it has not ended")
	}
}

// Eventually waits until a condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Bound); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
