package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const tracefs = "/sys/kernel/tracing"

// mountTracefs gives this process and its tracers a tracefs if the host has not
// mounted one: classic tracepoints, which the peers use, are attached through it. It is
// mounted in a mount namespace of their own, for which the program executes itself again.
func mountTracefs() error {
	if _, err := os.Stat(tracefs + "/events"); err == nil {
		return nil
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making its mounts private: %w", err)
	}
	if err := unix.Mount("tracefs", tracefs, "tracefs", 0, ""); err != nil {
		return fmt.Errorf("mounting tracefs: %w", err)
	}
	return fmt.Errorf("starting again: %w", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}
