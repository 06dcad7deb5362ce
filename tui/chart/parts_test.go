package chart

import (
	"math"
	"strings"
	"testing"
)

func TestSparkline(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		top    float64
		want   string
	}{
		{nil, 0, "     "},
		{[]float64{8}, 0, "    █"},
		{[]float64{9, 9, 1, 2, 4, 6, 8}, 0, "▁▂▄▆█"},
		{[]float64{1000, 1, 0, math.NaN(), -5}, 0, "█▁   "},
		{[]float64{1, 2}, 8, "   ▁▂"},
		{[]float64{100, math.Inf(1)}, 8, "   ██"},
	} {
		if got := Sparkline(test.values, 5, test.top, Pen{}); got != test.want {
			t.Errorf("%v of %v: %q, want %q", test.values, test.top, got, test.want)
		}
	}
}

// TestRateKeepsColumns checks that values stay together while they move to the left.
func TestRateKeepsColumns(t *testing.T) {
	t.Parallel()
	r := calls(false)
	values := r.Series[0].Values
	before := r.peaks(values, 40) // three values a column
	r.Newest += 3
	after := r.peaks(append(values[3:len(values):len(values)], 1, 2, 3), 40)
	for i := 1; i < 39; i++ {
		if after[i-1] != before[i] {
			t.Fatalf("column %d: %v, then %v", i, before[i], after[i-1])
		}
	}
}

// TestRateShowsFailures checks that one failed call before many calls shows.
func TestRateShowsFailures(t *testing.T) {
	t.Parallel()
	r := &Rate{Series: []Series{{Values: []float64{1000, 1000, 1000}}, {Values: []float64{0, 1, 0}}}}
	lines := r.Lines(30, 3)
	if !strings.HasSuffix(lines[2], "█▓█") {
		t.Errorf("%q", lines)
	}
}

func TestRateTop(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "1", .4: "1", 7: "10", 182: "200", 2400: "5k", 999999: "1M"} {
		r := &Rate{Series: []Series{{Values: []float64{v}}}}
		if got, _, _ := strings.Cut(r.Lines(40, 3)[0], "┤"); strings.TrimSpace(got) != want {
			t.Errorf("%v: %q, want %s", v, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 28232: "28,232", -1234567: "-1,234,567", -123: "-123"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for v, want := range map[float64]string{0: "0", .5: "0.5", 182: "182", 999.4: "999", 999.6: "1.0k", 28232: "28k", 1e20: ">999T", math.Inf(1): "0"} {
		if got := short(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}
