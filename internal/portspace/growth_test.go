package portspace

import (
	"testing"
	"time"
)

func TestGrowth(t *testing.T) {
	t.Parallel()
	once := func(when int) func(int) int {
		return func(second int) int {
			if second == when {
				return 100
			}
			return 0
		}
	}
	for name, c := range map[string]struct {
		each    func(second int) int
		existed bool
		want    float64
	}{
		"four a second":           {func(int) int { return 4 }, false, 4},
		"all were there before":   {once(15), true, 0},
		"all in the first second": {once(1), false, 0},
		"fewer and fewer":         {func(int) int { return -1 }, false, 0},
		"closes are found every fourth": {func(second int) int {
			if second%4 == 0 {
				return -30
			}
			return 10
		}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var g growth
			now := start
			for second := 1; second <= 20; second++ {
				now = start.Add(time.Duration(second) * time.Second)
				g.add(c.each(second), now, c.existed)
			}
			if got := g.rate(now); got != c.want {
				t.Errorf("%.1f/s, want %.1f", got, c.want)
			}
		})
	}
}
