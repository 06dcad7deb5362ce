package main

import (
	"testing"
	"time"
)

func TestDurationValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0.5": 500 * time.Millisecond, "10s": 10 * time.Second, "1h30m": 90 * time.Minute, "-1": -time.Second,
	} {
		var got durationValue
		if err := got.Set(text); err != nil || time.Duration(got) != want {
			t.Errorf("%q is %s, %v, want %s", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{"", "abc", "5x", "NaN", "1e300"} {
		if err := new(durationValue).Set(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}
