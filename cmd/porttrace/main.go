// Command porttrace shows which programs use up the ephemeral ports of a Linux
// host, towards what, and what fails.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/porttrace/porttrace/internal/lab"
)

// Exit statuses, a contract with scripts.
const (
	exitDone     = 0
	exitCouldNot = 1
	exitUsage    = 2
)

// Exit statuses of porttrace doctor, those of a monitoring plugin.
const (
	exitFine     = 0
	exitWarning  = 1
	exitCritical = 2
	exitUnjudged = 3
)

// gcPercent is half of Go's default: the traced host may be short of memory, too.
const gcPercent = 50

func main() {
	lab.MaybeRun() // the programs of a demo are this program
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// A closed pipe (| head) comes back from the write and ends the run quietly.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(exitStatus(rootCommand().ExecuteContext(interruptible(os.Exit))))
}

func exitStatus(err error) int {
	var usage usageError
	var verdict verdictStatus
	switch {
	case errors.As(err, &verdict):
		return int(verdict)
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitDone
	case errors.As(err, new(unjudged)):
		fmt.Fprintf(os.Stderr, "porttrace: %v\n", err)
		return exitUnjudged
	case errors.Is(err, errReported):
		return exitCouldNot
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "porttrace: %v (see porttrace --help)\n", err)
		return exitUsage
	}
	fmt.Fprintf(os.Stderr, "porttrace: %v\n", err)
	return exitCouldNot
}

// usageError is the error of a command line that is wrong.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
