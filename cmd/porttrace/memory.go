package main

import (
	"os"
	"runtime/debug"

	"github.com/porttrace/porttrace/internal/linux"
)

// gcPercent is half of Go's default: the traced host may be short of memory, too.
const gcPercent = 50

// limitMemory has the collector keep what this process allocates below half of the memory that
// it may have. The kernel counts more as its own: the maps, and for a moment what the verifier
// and the loading of programs take; and pages of the executable.
func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(linux.Memory() / 2))
	}
}
