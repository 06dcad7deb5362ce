package linux

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Clock returns the time of a clock of clock_gettime(2) in nanoseconds.
func Clock(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts) // fails only for a clock that does not exist
	return ts.Nano()
}

// Monotonic returns CLOCK_MONOTONIC in nanoseconds: event.Time(linux.Monotonic()) is the
// time of the stream.
func Monotonic() int64 { return Clock(unix.CLOCK_MONOTONIC) }

// Jiffy returns the length of a timer tick, 4 ms if the kernel has CONFIG_HZ=250. The
// kernel shows it nowhere but in the resolution of the clock that each tick advances
// (TICK_NSEC, KTIME_LOW_RES of include/linux/hrtimer.h).
func Jiffy() time.Duration {
	var res unix.Timespec
	_ = unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &res) // fails only for a clock that does not exist
	return time.Duration(res.Nano())
}

// CPUTime returns the processor time that a call takes. Wall time says little if other
// programs want the processor, too.
func CPUTime(call func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := Clock(unix.CLOCK_THREAD_CPUTIME_ID)
	call()
	return time.Duration(Clock(unix.CLOCK_THREAD_CPUTIME_ID) - before)
}
