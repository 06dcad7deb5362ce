package main

import (
	"runtime/debug"
	"testing"

	"github.com/porttrace/porttrace/internal/linux"
)

// What the user has set in the environment stays.
func TestLimitMemory(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
	t.Setenv("GOMEMLIMIT", "1GiB")
	t.Setenv("GOGC", "70")
	limitMemory()
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("the limit of the environment is changed to %d", got)
	}
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	limitMemory()
	if got, want := debug.SetMemoryLimit(-1), int64(linux.Memory()/2); got != want {
		t.Errorf("the limit is %d bytes, not %d", got, want)
	}
	if got := debug.SetGCPercent(100); got != gcPercent {
		t.Errorf("the collector runs at %d %%", got)
	}
}

// The more is alive, the less garbage is let pile up, in percent.
func TestPercentFor(t *testing.T) {
	for alive, want := range map[uint64]int{0: mostPercent, 1 << 20: mostPercent, 10 << 20: 50, 20 << 20: leastPercent, 1 << 30: leastPercent} {
		if got := percentFor(alive); got != want {
			t.Errorf("%d bytes: %d %%, want %d", alive, got, want)
		}
	}
}
