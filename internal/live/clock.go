package live

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

func nanos(clock int32) int64 {
	var ts unix.Timespec
	// It fails only for a clock that does not exist.
	_ = unix.ClockGettime(clock, &ts)
	return ts.Nano()
}

func monotonic() event.Time { return event.Time(nanos(unix.CLOCK_MONOTONIC)) }

// onCPU is how much of a processor's time a call takes. The time that passes says little
// where others want the processor, too.
func onCPU(call func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := nanos(unix.CLOCK_THREAD_CPUTIME_ID)
	call()
	return time.Duration(nanos(unix.CLOCK_THREAD_CPUTIME_ID) - before)
}

func readClock() event.Clock {
	return event.Clock{Mono: monotonic(), Wall: nanos(unix.CLOCK_REALTIME), Boot: nanos(unix.CLOCK_BOOTTIME)}
}

// clockStepped reports whether the wall clock was set, or the host slept, since before.
func clockStepped(before, after event.Clock) bool {
	const tolerance = int64(50 * time.Millisecond)
	passed := int64(after.Mono - before.Mono)
	step := after.Wall - before.Wall - passed
	slept := after.Boot - before.Boot - passed
	return step > tolerance || step < -tolerance || slept > tolerance
}

func uname() (name, release string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", err
	}
	return unix.ByteSliceToString(u.Nodename[:]), unix.ByteSliceToString(u.Release[:]), nil
}
