package chart

import (
	"math"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// requireSize checks that a picture has exactly the lines and cells asked for.
func requireSize(t *testing.T, name string, lines []string, width, height int) {
	t.Helper()
	if len(lines) != max(height, 0) {
		t.Fatalf("%s %dx%d: %d lines", name, width, height, len(lines))
	}
	for i, line := range lines {
		if got := ansi.StringWidthWc(line); got != max(width, 0) {
			t.Fatalf("%s %dx%d: line %d has %d cells: %q", name, width, height, i, got, line)
		}
		if strings.ContainsAny(line, "\n\x00") {
			t.Fatalf("%s %dx%d: line %d: %q", name, width, height, i, line)
		}
	}
}

func requireSizes(t *testing.T, p *pictures, width, height int) {
	t.Helper()
	requireSize(t, "map", p.ports.Lines(width, height), width, height)
	if rows := p.ports.Rows(width, height); rows < 0 || rows > max(height, 0) {
		t.Fatalf("map %dx%d: %d rows", width, height, rows)
	}
	requireSize(t, "fill", p.fill.Lines(width, height), width, height)
	requireSize(t, "rate", p.rate.Lines(width, height), width, height)
	requireSize(t, "sparkline", []string{Sparkline(p.values, width, p.top, p.pen)}, width, 1)
}

// pictures is one of each kind.
type pictures struct {
	ports  *PortMap
	fill   *Fill
	rate   *Rate
	values []float64
	top    float64
	pen    Pen
}

func TestSizes(t *testing.T) {
	t.Parallel()
	palette := coloured()
	p := &pictures{
		narrowed(palette), incident(palette), calls(true), calls(true).Series[0].Values, 0, pen("#00ff00"),
	}
	for _, width := range []int{-3, 0, 1, 2, 5, 6, 7, 12, 15, 16, 19, 20, 21, 35, 36, 37, 59, 80, 161} {
		for height := -1; height < 16; height++ {
			p.fill.Braille = height%2 == 0
			p.ports.Braille = p.fill.Braille
			requireSizes(t, p, width, height)
		}
	}
	requireSizes(t, &pictures{&PortMap{}, &Fill{}, &Rate{}, nil, 0, Pen{}}, 60, 8)
}

// hostile returns numbers that nothing has.
type hostile struct{ *rand.Rand }

func (h hostile) float() float64 {
	list := []float64{
		math.NaN(), math.Inf(1), math.Inf(-1), 0, -1, 1, .5, math.MaxFloat64, math.SmallestNonzeroFloat64,
		h.Float64() * 100,
	}
	return list[h.Intn(len(list))]
}

func (h hostile) int() int {
	list := []int{0, 1, -1, math.MaxInt, math.MinInt, 40000, 65535, 65536, h.Intn(1000), h.Intn(70000)}
	return list[h.Intn(len(list))]
}

func (h hostile) time() time.Time {
	list := []time.Time{{}, noon, noon.Add(time.Duration(h.Intn(100)) * time.Second), time.Unix(1<<40, 0), noon.Add(time.Duration(h.int()))}
	return list[h.Intn(len(list))]
}

func (h hostile) pictures() *pictures {
	p := &pictures{
		ports: &PortMap{Low: h.int(), High: h.int(), Braille: h.Intn(2) == 0, Legend: h.Intn(2) == 0},
		fill: &Fill{
			Capacity: h.int(), From: h.time(), Now: h.time(), Ahead: time.Duration(h.int()), Threshold: h.float(),
			Cursor: h.time(), Ports: h.Intn(2) == 0, Clock: h.Intn(2) == 0, Braille: h.Intn(2) == 0,
		},
		rate: &Rate{Series: make([]Series, 3), Top: h.float(), Span: h.int(), Newest: h.int()},
		top:  h.float(),
	}
	if h.Intn(2) == 0 {
		p.fill.Forecast = &Forecast{time.Duration(h.int()), time.Duration(h.int()), time.Duration(h.int())}
	}
	for i := range h.Intn(50) {
		slice := Slice{First: h.int(), Last: h.int()}
		slice.Count[h.Intn(int(Free))] = int32(h.int())
		p.ports.Slices = append(p.ports.Slices, slice)
		p.fill.Samples = append(p.fill.Samples, Sample{h.time(), h.int(), h.int(), h.int(), h.int(), h.int()})
		p.rate.Series[i%3].Values = append(p.rate.Series[i%3].Values, h.float())
		p.values = append(p.values, h.float())
	}
	return p
}

// FuzzPictures draws what cannot be, in any size.
func FuzzPictures(f *testing.F) {
	for seed := range 400 {
		f.Add(int64(seed), seed*7%170, seed%17)
	}
	f.Fuzz(func(t *testing.T, seed int64, width, height int) {
		width, height = width%1000, height%300 // no terminal is larger
		requireSizes(t, hostile{rand.New(rand.NewSource(seed))}.pictures(), width, height)
	})
}
