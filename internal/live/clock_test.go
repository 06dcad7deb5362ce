package live

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestClockStepped(t *testing.T) {
	t.Parallel()
	before := event.Clock{Mono: start, Wall: 1e18, Boot: int64(start) + 5e9}
	for _, tc := range []struct {
		name             string
		mono, wall, boot time.Duration // what has passed on each clock
		want             bool
	}{
		{"nothing has passed", 0, 0, 0, false},
		{"a second", time.Second, time.Second, time.Second, false},
		{"an hour", time.Hour, time.Hour, time.Hour, false},
		{"slewed", time.Second, 1010 * time.Millisecond, time.Second, false},
		{"slewed back", time.Second, 990 * time.Millisecond, time.Second, false},
		{"set forward", time.Second, 2 * time.Second, time.Second, true},
		{"set forward by little", time.Second, 1051 * time.Millisecond, time.Second, true},
		{"set back", time.Second, -time.Hour, time.Second, true},
		{"set back by little", time.Second, 949 * time.Millisecond, time.Second, true},
		{"suspended", time.Second, time.Hour, time.Hour, true},
		{"suspended, and set to the time before", time.Second, time.Second, time.Hour, true},
		{"read between two ticks", time.Second, time.Second + time.Millisecond, time.Second - time.Millisecond, false},
	} {
		after := event.Clock{Mono: before.Mono.Add(tc.mono), Wall: before.Wall + int64(tc.wall), Boot: before.Boot + int64(tc.boot)}
		if got := clockStepped(before, after); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
}
