package probe

import "time"

// wheelShift returns by how many bits the kernel's timer wheel rounds up the expiry of a 60 s
// timer such as that of TIME_WAIT: three for each level. A level begins at the first expiry
// beyond the slots of the one below (LVL_START and calc_wheel_index() of kernel/time/timer.c).
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
