package soak

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab/built"
	"github.com/porttrace/porttrace/internal/lab/terminal"
)

// tracer is the program, without a terminal.
type tracer struct{ *built.Process }

// start starts the program, which ends with the test at the latest. Its arguments must contain -v:
// start waits for what that prints when all is attached.
func start(t *testing.T, group *memoryGroup, args ...string) *tracer {
	t.Helper()
	line := group.within(append([]string{binary}, args...))
	return &tracer{built.Start(t, exec.Command(line[0], line[1:]...), "tracing: ")}
}

// goroutines ends it and returns how many goroutines it had: those of which the runtime prints the
// stacks on SIGQUIT.
func (p *tracer) goroutines(t *testing.T) int {
	t.Helper()
	noError(t, p.Cmd.Process.Signal(unix.SIGQUIT))
	p.Await(t)
	return strings.Count(p.Stderr.String(), "\ngoroutine ")
}

// showScreen starts the screen in a terminal.
func showScreen(t *testing.T, group *memoryGroup) *terminal.Terminal {
	t.Helper()
	term, err := terminal.Start(terminal.Options{Args: group.within([]string{binary}), Width: 120, Height: 40})
	noError(t, err)
	t.Cleanup(func() { noError(t, term.Close()) })
	_, err = term.Await(built.Bound, "the screen", func(s *terminal.Screen) bool { return s.Alternate && s.Has("tracing") })
	noError(t, err)
	return term
}

// report is what the tests read of a JSON report.
type report struct {
	Totals            destination
	Destinations      []destination
	OtherDestinations *destination `json:"other_destinations"`
	Processes         []struct {
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

// destination is a row of the report, or what no row has.
type destination struct {
	Opens           uint64
	ConnectFailures uint64 `json:"connect_failures"`
}

func parseReport(t *testing.T, text string) *report {
	t.Helper()
	var r report
	noError(t, json.Unmarshal([]byte(text), &r))
	return &r
}
