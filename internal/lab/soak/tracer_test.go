package soak

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab/terminal"
)

// bound is how long anything may take. No test asserts a time: a machine that is this slow has
// another fault.
const bound = time.Minute

// output is what a process writes, readable while it does.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tracer is the program, without a terminal.
type tracer struct {
	cmd            *exec.Cmd
	stdout, stderr output
	ended          chan struct{}
	err            error // once ended is closed
}

// start starts the program, which ends with the test at the latest. Its arguments must contain -v:
// start waits for what that prints when all is attached.
func start(t *testing.T, group *memoryGroup, args ...string) *tracer {
	t.Helper()
	line := group.within(append([]string{binary}, args...))
	p := &tracer{cmd: exec.Command(line[0], line[1:]...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	noError(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails if it has ended
		<-p.ended
	})
	eventually(t, "it traces", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("porttrace %s: %v: %s", strings.Join(args, " "), p.err, p.stderr.String())
		default:
		}
		return strings.Contains(p.stderr.String(), "tracing: ")
	})
	return p
}

// end interrupts it as Ctrl-C does, and waits.
func (p *tracer) end(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt) // fails if it has ended: then err says why
	p.await(t)
	if p.err != nil {
		t.Fatalf("%v: %s", p.err, p.stderr.String())
	}
}

func (p *tracer) await(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(bound):
		t.Fatal("it has not ended")
	}
}

// goroutines ends it and returns how many goroutines it had: those of which the runtime prints the
// stacks on SIGQUIT.
func (p *tracer) goroutines(t *testing.T) int {
	t.Helper()
	noError(t, p.cmd.Process.Signal(unix.SIGQUIT))
	p.await(t)
	return strings.Count(p.stderr.String(), "\ngoroutine ")
}

// showScreen starts the screen in a terminal.
func showScreen(t *testing.T, group *memoryGroup) *terminal.Terminal {
	t.Helper()
	term, err := terminal.Start(terminal.Options{Args: group.within([]string{binary}), Width: 120, Height: 40})
	noError(t, err)
	t.Cleanup(func() { noError(t, term.Close()) })
	_, err = term.Await(bound, "the screen", func(s *terminal.Screen) bool { return s.Alternate && s.Has("tracing") })
	noError(t, err)
	return term
}

// report is what the tests read of a JSON report.
type report struct {
	Totals struct {
		ConnectFailures uint64 `json:"connect_failures"`
	}
	Processes []struct {
		PID           int
		Opens, Closes uint64
	}
	Health struct {
		Lost, Missed   uint64
		MemoryBytes    uint64   `json:"memory_bytes"`
		ResidentBytes  uint64   `json:"resident_bytes"`
		MapBytes       uint64   `json:"map_bytes"`
		ProgramSeconds *float64 `json:"program_seconds"`
		ProgramRuns    uint64   `json:"program_runs"`
	}
}

func parseReport(t *testing.T, text string) *report {
	t.Helper()
	var r report
	noError(t, json.Unmarshal([]byte(text), &r))
	return &r
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(bound); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
