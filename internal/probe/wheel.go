package probe

import "time"

// wheelShift is by how many bits the kernel's timer wheel rounds up the jiffies of a timer
// that is a minute away, as that of TIME_WAIT: three for each level. A level begins where
// the one below has no slot left (LVL_START and calc_wheel_index() of kernel/time/timer.c).
func wheelShift(tick time.Duration) uint32 {
	const (
		slots    = 64
		perLevel = 3
	)
	away := int64(time.Minute / max(tick, time.Microsecond))
	shift := uint32(0)
	for away >= (slots-1)<<shift {
		shift += perLevel
	}
	return shift
}
