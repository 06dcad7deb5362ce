package incidents

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// helperEnv says which program of this binary a process is. Its name is its first argument.
const helperEnv = "PORTTRACE_INCIDENTS_HELPER"

func runHelper(role string, args []string) error {
	if role == "warden" {
		return runWarden(os.Stdin)
	}
	// Threads of the Go runtime exist already; the name of a process is that of its first.
	if err := os.WriteFile("/proc/self/comm", []byte(os.Args[0]), 0); err != nil {
		return fmt.Errorf("naming the process: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	switch role {
	case "backend":
		return runBackend(ctx, args)
	case "visitors":
		return runVisitors(ctx, args)
	case "fetcher":
		return runFetcher(ctx, args)
	}
	return fmt.Errorf("no such helper: %q", role)
}
