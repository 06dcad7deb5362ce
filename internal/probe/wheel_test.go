package probe

import (
	"testing"
	"time"
)

// The steps in which TIME_WAIT buckets expire, measured by CONFIG_HZ.
func TestWheelShift(t *testing.T) {
	t.Parallel()
	for hz, want := range map[time.Duration]time.Duration{
		100: 5120 * time.Millisecond, 250: 2048 * time.Millisecond, 1000: 4096 * time.Millisecond,
	} {
		tick := time.Second / hz
		if got := tick << wheelShift(tick); got != want {
			t.Errorf("%d Hz: %s, want %s", hz, got, want)
		}
	}
}
