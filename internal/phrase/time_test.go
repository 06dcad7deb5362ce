package phrase

import (
	"testing"
	"time"
)

func TestSpelled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 ms"},
		{350 * time.Millisecond, "350 ms"},
		{2530 * time.Millisecond, "2.5 s"},
		{59900 * time.Millisecond, "59 s"},
		{time.Minute, "60 s"},
		{61440 * time.Millisecond, "1 min 1 s"},
		{242 * time.Second, "4 min 2 s"},
		{10 * time.Minute, "10 min"},
		{90 * time.Minute, "1 h 30 min"},
	} {
		if got := Spelled(tc.d); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.d, got, tc.want)
		}
	}
}
