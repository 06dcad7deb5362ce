package chart

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSVG(t *testing.T) {
	t.Parallel()
	c := Chart{
		Lines: []Line{
			{Role: One, Area: true, X: []float64{0, 1, 2, 3, 4}, Y: []float64{1, 2, math.NaN(), 4, 5}},
			{Role: Limit, Dashed: true, X: []float64{0, 4}, Y: []float64{5, 5}},
			{Role: Bad, Dots: true, X: []float64{1}, Y: []float64{5}},
		},
		Bands: []Band{{Role: Forecast, X: []float64{3, 4}, Low: []float64{3, 3}, High: []float64{4, 5}}},
		X:     []Tick{{At: 0}, {2, "<two>"}, {At: 4}}, Y: []Tick{{0, "0"}, {5, "5"}},
	}
	svg, err := c.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]int{
		`class="one stroke"`: 2, `class="one fill"`: 2, `class="limit stroke"`: 1, `stroke-dasharray="5, 4"`: 1, `<circle`: 1,
		`class="forecast stroke fill"`: 1, "&lt;two&gt;": 1, "NaN": 0, "http": 0, "<svg ": 1, "</svg>": 1,
	} {
		if n := strings.Count(svg, part); n != want {
			t.Errorf("%d times %s, want %d:\n%s", n, part, want, svg)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	t.Parallel()
	axis := []Tick{{At: 0}, {At: 1}}
	for _, c := range []Chart{
		{X: axis, Y: axis},
		{Lines: []Line{{X: []float64{0}, Y: []float64{math.NaN()}}}, X: axis, Y: axis},
		{Bars: []float64{1}, X: axis},
	} {
		if svg, err := c.SVG(); err == nil {
			t.Errorf("no error, but %s", svg)
		}
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for top, want := range map[float64][]float64{
		0: {0, 0.25, 0.5, 0.75, 1}, 1000: {0, 250, 500, 750, 1000}, 1001: {0, 500, 1000, 1500}, 82: {0, 25, 50, 75, 100},
		math.Inf(1): {0, 0.25, 0.5, 0.75, 1}, 3: {0, 1, 2, 3},
	} {
		if got := Steps(top); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", top, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 27, 22, 4, 23, 500_000_000, time.UTC)
	for length, want := range map[time.Duration]string{
		10 * time.Second:    "|22:04:24|22:04:26|22:04:28|22:04:30|22:04:32|",
		82 * time.Second:    "|22:04:30|22:05:00|22:05:30|",
		time.Hour:           "|22:15|22:30|22:45|23:00|",
		50 * time.Hour:      "|11-28 00:00|11-28 12:00|11-29 00:00|11-29 12:00|11-30 00:00|",
		30 * 24 * time.Hour: "|2026-12-01|2026-12-07|2026-12-13|2026-12-19|2026-12-25|",
		time.Millisecond:    "|",
	} {
		var labels []string
		ticks := Clock(begin, begin.Add(length))
		for _, tick := range ticks {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, "|"); got != want || ticks[len(ticks)-1].At != length.Seconds() {
			t.Errorf("%s: %s, want %s", length, got, want)
		}
	}
}
