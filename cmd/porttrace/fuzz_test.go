package main

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var sizeForm = regexp.MustCompile(`^\+?\d+([kKmMgGtT]([iI]?[bB])?|[bB])?$`)

// FuzzValues has any text for the values of flags: what is taken is a number in the bounds of the flag,
// of the form that the error names, and is the same when it is read from its own text.
func FuzzValues(f *testing.F) {
	for _, text := range []string{"2GiB", "500M", "10s", "1h30m", "0.5", "500/s", "1,000/min", "20%", "a,b", `"a,b",c`, "812 813\n", "NaN", "1e300", "0x1p-2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); err == nil && text != "" {
			again, err := parseSize(strconv.FormatInt(n, 10))
			if n <= 0 || err != nil || again != n || !sizeForm.MatchString(text) {
				t.Errorf("%q is %d bytes, read again as %d, %v", text, n, again, err)
			}
		}
		if d, err := parseDuration(text); err == nil {
			if again, err := parseDuration(d.String()); err != nil || again != d {
				t.Errorf("%q is %s, read again as %s, %v", text, d, again, err)
			}
			if d == math.MinInt64 || d == math.MaxInt64 && text != time.Duration(math.MaxInt64).String() {
				t.Errorf("%q is %s", text, d)
			}
		}
		if rate, err := parseRate(text); err == nil && !(rate > 0 && rate <= 1e5) {
			t.Errorf("%q is %v/s", text, rate)
		}
		if share, err := parseShare(text); err == nil && !(share >= 0 && share <= 1) {
			t.Errorf("the share %q is %v", text, share)
		}
		checkLists(t, text)
	})
}

func checkLists(t *testing.T, text string) {
	t.Helper()
	numbers, err := splitNumbers(text)
	again, err2 := splitNumbers(strings.Join(numbers, "\n"))
	if err != nil || err2 != nil || !slices.Equal(numbers, again) {
		t.Errorf("%q is %q, and %q", text, numbers, again)
	}
	values, err := splitCommas(text)
	if err != nil || strings.Contains(text, `"`) {
		return
	}
	joined := strings.Join(values, ",")
	if again, err := splitCommas(joined); err != nil || strings.Join(again, ",") != joined || strings.Count(joined, ",") != strings.Count(text, ",") {
		t.Errorf("%q is %q, and %q", text, values, again)
	}
}
