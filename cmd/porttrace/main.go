// Command porttrace shows which programs use up the ephemeral ports of a Linux
// host, towards what, and what fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/linux"
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

func main() {
	lab.MaybeRun() // the programs of a demo are this program
	limitMemory()
	bounds.Fit(linux.Memory())
	// A closed pipe (| head) comes back from the write and ends the run quietly.
	signal.Ignore(syscall.SIGPIPE)
	ctx := context.WithValue(interruptible(os.Exit), ownProcess{}, true)
	command, err := rootCommand().ExecuteContextC(ctx)
	os.Exit(exitStatus(command.CommandPath(), err))
}

// exitStatus prints the error of a command, and returns the status with which to end.
func exitStatus(command string, err error) int {
	var usage usageError
	var verdict verdictStatus
	var unknown unjudged
	switch {
	case errors.As(err, &verdict):
		return int(verdict)
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitDone
	case errors.As(err, &unknown):
		if !unknown.printed {
			fmt.Fprintf(os.Stderr, "porttrace: %v\n", err)
		}
		return exitUnjudged
	case errors.Is(err, errReported):
		return exitCouldNot
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "porttrace: %v (see %s --help)\n", err, command)
		return exitUsage
	}
	fmt.Fprintf(os.Stderr, "porttrace: %v\n", err)
	return exitCouldNot
}

// usageError is the error of a command line that is wrong.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
