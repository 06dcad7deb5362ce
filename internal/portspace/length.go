package portspace

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// TimeWaitLength is TCP_TIMEWAIT_LEN of include/net/tcp.h. tcp_fin_timeout does not
	// change it. Some distributions have a setting for it (tcp_tw_timeout of Alibaba Cloud
	// Linux), which holds at once. If the timers of real buckets show something else, those
	// hold: see MeasureTimeWait.
	TimeWaitLength = 60 * time.Second
	// saturatedLife is how long a bucket of TimeWaitLength takes a port away from a space that
	// is full all the time. The timer wheel of kernel/time/timer.c rounds it up to its next
	// step, and the next connection takes the port at that step: 30 of 2.048 s at 250 Hz, 15
	// of 4.096 s at 1000 Hz, 12 of 5.12 s at 100 Hz. 256 ports gave 256 opens every 61.5 s.
	saturatedLife = 61440 * time.Millisecond

	// A measurement takes some buckets, and not more than maxSamples.
	minSamples = 8
	maxSamples = 1024
	// lengthTolerance is by how much a measurement can be wrong: buckets of one burst have one
	// phase of the timer wheel.
	lengthTolerance = 3 * time.Second
)

// TimeWaitLength returns how long a TIME_WAIT bucket of the namespace lives, to the second.
func (n *Netns) TimeWaitLength() time.Duration {
	if n.length == 0 {
		return n.lengthBySetting()
	}
	return n.length
}

// lengthBySetting returns how long it should live: a recording can hold any setting.
func (n *Netns) lengthBySetting() time.Duration {
	if set := n.fact.TimeWaitSetting; set >= uint64(time.Second) && set <= uint64(slots/2*time.Second) {
		return time.Duration(set)
	}
	return TimeWaitLength
}

// setSince notes that tcp_tw_timeout has changed: what was measured before does not hold for
// buckets from now on.
func (n *Netns) setSince(at event.Time) { n.length, n.lengthFrom = 0, at }

// setLength takes what a scan has measured. Of values that differ by less than the
// tolerance the first one holds.
func (n *Netns) setLength(measured time.Duration) {
	if measured <= 0 || measured > slots/2*time.Second || (measured-n.TimeWaitLength()).Abs() <= lengthTolerance {
		return
	}
	n.length = measured
	if (measured - n.lengthBySetting()).Abs() <= lengthTolerance {
		n.length = 0
	}
}

// MeasureTimeWait returns how long the timers of TIME_WAIT buckets are set to in this
// kernel: the median, to the second, of expiry less close over the buckets whose close was
// in the stream, and came after the last change of tcp_tw_timeout. A peer's repeated FIN restarts
// the timer of a few, which the median ignores, and FIN_WAIT2 buckets have another timer. It
// returns 0 if there are too few.
func (t *Table) MeasureTimeWait(scan *event.NetnsScan) time.Duration {
	var samples []time.Duration
	from := t.Netns(scan.Census.Netns).lengthFrom
	for _, found := range scan.Sockets.All() {
		if found.State != event.StateTimeWait || found.Flags.Has(event.FinWait2) || found.Expiry == 0 || len(samples) == maxSamples {
			continue
		}
		known := t.socket(portOfFound(scan, &found))
		if known != nil && known.State == event.StateTimeWait && known.Closed != 0 && known.Closed >= from && known.Cookie == found.Cookie && !known.Flags.Has(event.FinWait2) {
			samples = append(samples, found.Expiry.Sub(known.Closed))
		}
	}
	if len(samples) < minSamples {
		return 0
	}
	slices.Sort(samples)
	step := time.Duration(t.Netns(scan.Census.Netns).fact.TimerStep)
	return (samples[len(samples)/2] - step/2).Round(time.Second)
}

// TimeWaitExpiry returns when the kernel ends a TIME_WAIT bucket that was made at a time.
func (n *Netns) TimeWaitExpiry(made event.Time) event.Time {
	return n.firesAt(made, n.TimeWaitLength())
}

// BucketExpiry returns when the kernel ends the bucket that a close has made.
func (n *Netns) BucketExpiry(e *event.Event) event.Time {
	if isFinWait2(e) {
		return n.finWaitExpiry(e.Time)
	}
	return n.TimeWaitExpiry(e.Time)
}

// finWaitExpiry returns when the kernel ends an orphan's FIN_WAIT2 bucket that was made at a
// time, unless the peer's FIN comes before: after tcp_fin_timeout. Of a longer one than
// TCP_TIMEWAIT_LEN the socket itself waits for the excess, and the bucket is made then, for
// as long again (tcp_keepalive_timer, net/ipv4/tcp_timer.c).
func (n *Netns) finWaitExpiry(made event.Time) event.Time {
	timeout := time.Duration(n.fact.FinTimeout)
	if timeout <= 0 {
		return n.TimeWaitExpiry(made)
	}
	return n.firesAt(made, n.finWaitLength(timeout))
}

// finWaitLength returns what the timer of a FIN_WAIT2 bucket is set to by tcp_fin_timeout.
// tcp_tw_timeout stands for TCP_TIMEWAIT_LEN here, too.
func (n *Netns) finWaitLength(timeout time.Duration) time.Duration {
	if length := n.TimeWaitLength(); timeout > length {
		timeout -= length
	}
	return min(timeout, slots/2*time.Second)
}

// longestBucket returns for how long a bucket can be there from now on: a FIN_WAIT2 one that
// becomes a TIME_WAIT lives longest, and a recording can hold anything. If the length can be
// set, buckets of another one are there, too.
func (n *Netns) longestBucket() time.Duration {
	if n.fact.TimeWaitSetting != 0 {
		return slots / 2 * time.Second
	}
	return max(2*n.TimeWaitLength()+6*time.Second, time.Duration(min(n.fact.FinTimeout, uint64(TimeWaitLength))))
}

// firesAt returns when a timer fires that is set at a time to a duration of up to a minute
// or two: at the next step of the timer wheel.
func (n *Netns) firesAt(set event.Time, after time.Duration) event.Time {
	due := set.Add(after)
	step := event.Time(wheelStep(time.Duration(n.fact.TimerStep), after))
	if step <= 0 {
		return due.Add(after / 60) // half a step, at 250 Hz
	}
	into := (due - n.fact.TimerAt) % step
	if into < 0 {
		into += step
	}
	return due - into + step
}

// wheelStep returns the step of the timer wheel for a timer, from that of one of 60 s. A
// level of the wheel holds 63 of its steps, and those below have steps of an eighth.
func wheelStep(ofMinute, after time.Duration) time.Duration {
	step := ofMinute
	for step >= 8 && after < 63*(step/8) {
		step /= 8
	}
	return step
}

// BucketLife returns for how long a bucket that is not reused takes a port away from a space
// that is full all the time.
func (n *Netns) BucketLife() time.Duration {
	return n.saturated(n.TimeWaitLength())
}

// saturated returns for how long a bucket whose timer is set to length takes a port away.
func (n *Netns) saturated(length time.Duration) time.Duration {
	if length == TimeWaitLength {
		return saturatedLife
	}
	step := max(wheelStep(time.Duration(n.fact.TimerStep), length), 1)
	return (length + step - 1) / step * step
}
