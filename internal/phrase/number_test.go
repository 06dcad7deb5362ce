package phrase

import (
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ got, want string }{
		{Count(0), "0"},
		{Count(-13), "-13"},
		{Count(-1234), "-1,234"},
		{Count(999), "999"},
		{Count(int64(9_999_999)), "9,999,999"},
		{Count(uint64(12_345_678)), "12.3M"},
		{Count(uint64(12_345_678_901)), "12.3G"},
		{Rate(0), "0"},
		{Rate(0.01), "<0.1"},
		{Rate(9.94), "9.9"},
		{Rate(9.96), "10"},
		{Rate(12_345.6), "12,346"},
		{ShortDuration(0), "-"},
		{ShortDuration(320 * time.Microsecond), "320µs"},
		{ShortDuration(1_840 * time.Microsecond), "1.8ms"},
		{ShortDuration(84 * time.Millisecond), "84ms"},
		{ShortDuration(1_230 * time.Millisecond), "1.2s"},
		{ShortDuration(75 * time.Second), "1m15s"},
		{Elapsed(-time.Second), "0s"},
		{Elapsed(59 * time.Second), "59s"},
		{Elapsed(61 * time.Minute), "1h01m"},
		{Elapsed(49 * time.Hour), "2d01h"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1_234: "1.23µs", 12_345_678: "12.3ms", 999_999_999: "1s", 1_234_567_890: "1.23s",
		71_000_000_000: "1m11s", 3_723_400_000_000: "1h2m3s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %s, want %s", d, got, want)
		}
	}
}
