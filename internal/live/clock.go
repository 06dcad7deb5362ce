package live

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

func monotonic() event.Time { return event.Time(linux.Monotonic()) }

func readClock() event.Clock {
	return event.Clock{Mono: monotonic(), Wall: linux.Clock(unix.CLOCK_REALTIME), Boot: linux.Clock(unix.CLOCK_BOOTTIME)}
}

// clockStepped reports whether the wall clock was set, or the host slept, since before.
func clockStepped(before, after event.Clock) bool {
	const tolerance = int64(50 * time.Millisecond)
	passed := int64(after.Mono - before.Mono)
	step := after.Wall - before.Wall - passed
	slept := after.Boot - before.Boot - passed
	return step > tolerance || step < -tolerance || slept > tolerance
}
