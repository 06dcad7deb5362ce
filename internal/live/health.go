package live

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/probe"
)

// readHealth adds this process's own cost to the probe's account of its losses.
func readHealth(p *probe.Probe) (*event.Health, error) {
	h, err := p.Health()
	if err != nil {
		return nil, err
	}
	addOwnCost(&h)
	return &h, nil
}

// addOwnCost adds what this process has cost so far.
func addOwnCost(h *event.Health) {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage) // fails for a bad address only
	h.CPU = uint64(usage.Utime.Nano() + usage.Stime.Nano())
	h.Memory = residentBytes()
}

// residentBytes returns the second field of proc_pid_statm(5) in bytes, 0 if it cannot be read.
func residentBytes() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize())
}
