package event

import "time"

// Time is CLOCK_MONOTONIC of the traced host in nanoseconds, the clock of
// bpf_ktime_get_ns(). A Clock turns it into wall time.
type Time int64

// Sub returns the time that passed since u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// TicksPerSecond is USER_HZ, the unit of start times in /proc. It is 100 on
// every architecture that porttrace runs on (include/asm-generic/param.h).
const TicksPerSecond = 100

// WallTime returns the wall-clock time of t, the zero time if there is no anchor.
func (c Clock) WallTime(t Time) time.Time {
	if c.Wall == 0 {
		return time.Time{}
	}
	return time.Unix(0, c.Wall+int64(t-c.Mono)).UTC()
}

// StartTime returns the wall-clock time at which the process started, to 10 ms.
func (c Clock) StartTime(p ProcID) time.Time {
	if c.Wall == 0 || !p.Known() {
		return time.Time{}
	}
	boot := int64(p.Start) * int64(time.Second/TicksPerSecond)
	// Rounded to what is known, so that it is the same after the next anchor.
	return time.Unix(0, c.Wall-(c.Boot-boot)).Round(time.Second / TicksPerSecond).UTC()
}
