package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A process that runs a job has the job's role and its JSON in these variables,
// and the name that it shall bear as its first argument.
const (
	roleEnv = "PORTTRACE_LAB_ROLE"
	jobEnv  = "PORTTRACE_LAB_JOB"
)

const (
	// defaultLimit bounds a job that names no bound.
	defaultLimit = time.Minute
	// endGrace is how long a job may take to end after it was asked to.
	endGrace = 5 * time.Second
)

// Job is what a process inside a namespace does: a Client, Binder, Server, Holder
// or Storm. It ends at its limit, or when its standard input is closed.
type Job interface {
	role() string
	limit() time.Duration
	run(ctx context.Context, out *json.Encoder) error
}

// MaybeRun runs a job and exits, if this process was started for one. Programs
// that use this package call it first, tests in TestMain.
func MaybeRun() {
	role := os.Getenv(roleEnv)
	if role == "" {
		return
	}
	if err := runRole(role, os.Getenv(jobEnv)); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runRole(role, text string) error {
	job, err := parseJob(role, text)
	if err != nil {
		return err
	}
	if err := nameProcess(os.Args[0]); err != nil {
		return err
	}
	limit := job.limit()
	if limit == 0 {
		limit = defaultLimit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	// A system call that does not return must not keep the process.
	context.AfterFunc(ctx, func() {
		time.Sleep(endGrace)
		os.Exit(1)
	})
	return job.run(ctx, json.NewEncoder(os.Stdout))
}

func parseJob(role, text string) (Job, error) {
	for _, job := range []Job{&Client{}, &Binder{}, &Server{}, &Holder{}, &Storm{}} {
		if job.role() != role {
			continue
		}
		if err := json.Unmarshal([]byte(text), job); err != nil {
			return nil, fmt.Errorf("reading the job: %w", err)
		}
		return job, nil
	}
	return nil, fmt.Errorf("no such role: %q", role)
}

// nameProcess gives all threads a name, of which the kernel keeps 15 bytes.
// Later threads inherit it.
func nameProcess(name string) error {
	files, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte(name), 0); err != nil {
			return fmt.Errorf("naming a thread: %w", err)
		}
	}
	return nil
}

// raiseFiles makes room for a number of open sockets.
func raiseFiles(sockets int) error {
	want := uint64(sockets) + 64 // more than a Go program opens for itself
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	if limit.Cur >= want {
		return nil
	}
	limit.Cur, limit.Max = want, max(limit.Max, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raising the limit of open files to %d: %w", want, err)
	}
	return nil
}
