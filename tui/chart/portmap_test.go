package chart

import (
	"math/rand"
	"strings"
	"testing"
)

// TestRescaleAddsUp checks that no port is lost or counted twice, whatever the cells are.
func TestRescaleAddsUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewSource(7))
	for range 200 {
		m := &PortMap{Low: 1024 + r.Intn(40000)}
		m.High = m.Low + r.Intn(20000)
		each := 1 + r.Intn(60)
		var want Counts
		for first := m.Low; first <= m.High; first += each {
			s := Slice{First: first, Last: min(first+each-1, m.High)}
			left := s.size()
			for state := range s.Count {
				n := r.Intn(left + 1)
				s.Count[state] = int32(n)
				want[state] += int32(n)
				left -= n
			}
			m.Slices = append(m.Slices, s)
		}
		g := m.grid(8+r.Intn(150), 1+r.Intn(20))
		var got Counts
		for i, c := range m.rescale(g) {
			for state, n := range c {
				got[state] += n
			}
			if size := g.first(i+1) - g.first(i); !g.pairs && size <= 0 {
				t.Fatalf("cell %d of %+v has %d ports", i, g, size)
			}
		}
		if got != want {
			t.Fatalf("%+v: %v of %v", g, got, want)
		}
	}
}

// cells returns a row of a map without its labels.
func cells(line string) string { return strings.Fields(line)[1] }

func TestPortMapParity(t *testing.T) {
	t.Parallel()
	m := &PortMap{Low: 40000, High: 40099}
	for p := 40000; p < 40100; p += 2 {
		m.Slices = append(m.Slices, port(p, TimeWait))
	}
	m.Slices = append(m.Slices, port(40001, Open))
	for _, test := range []struct {
		width, height int
		want          []string
	}{
		// Rows begin at tens, so that even ports form stripes.
		{47, 4, []string{"▓█" + strings.Repeat("▓·", 14), strings.Repeat("▓·", 15), strings.Repeat("▓·", 15), strings.Repeat("▓·", 5)}},
		{62, 1, []string{"█" + strings.Repeat("░", 49)}}, // two ports a cell
	} {
		lines := m.Lines(test.width, test.height)
		for i, want := range test.want {
			if got := cells(lines[i]); got != want {
				t.Errorf("%dx%d row %d: %s, want %s", test.width, test.height, i, got, want)
			}
		}
	}
}

func TestPortMapHalves(t *testing.T) {
	t.Parallel()
	m := &PortMap{Low: 1000, High: 1080, Braille: true, Slices: []Slice{
		port(1000, Open), port(1003, Open), port(1004, TimeWait), port(1007, TimeWait), port(1008, Bound), port(1080, Open),
	}}
	if got := cells(m.Lines(60, 1)[0]); got != "▌▐⡇⢸╴"+strings.Repeat("·", 35)+"█" {
		t.Errorf("%s", got)
	}
}

// TestPortMapWhole checks that the character of a whole slice is only for one without a free
// port.
func TestPortMapWhole(t *testing.T) {
	t.Parallel()
	m := &PortMap{Low: 40000, High: 40999, Slices: []Slice{{First: 40000, Last: 40999, Count: Counts{TimeWait: 999}}}}
	for _, braille := range []bool{true, false} {
		m.Braille = braille
		m.Slices[0].Count[TimeWait] = 999
		if line := m.Lines(80, 1)[0]; strings.Contains(line, "▓") {
			t.Errorf("999 of 1,000: %s", line)
		}
		m.Slices[0].Count[TimeWait] = 1000
		if line := m.Lines(80, 1)[0]; cells(line) != strings.Repeat("▓", 68) {
			t.Errorf("1,000 of 1,000: %s", line)
		}
	}
}

// TestPortMapUnknown checks that a cell is not finer than what is known: of a slice of ten
// ports it is not known which one is used.
func TestPortMapUnknown(t *testing.T) {
	t.Parallel()
	m := &PortMap{Low: 100, High: 199}
	for first := 100; first < 200; first += 10 {
		m.Slices = append(m.Slices, Slice{First: first, Last: first + 9, Count: Counts{Open: 1}})
	}
	if got := cells(m.Lines(130, 3)[0]); got != "▂▂▂▂▂▂▂▂▂▂" {
		t.Errorf("%s", got)
	}
	if rows := m.Rows(130, 3); rows != 1 {
		t.Errorf("%d rows", rows)
	}
}

func TestDominant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		counts Counts
		size   int
		state  State
		used   float64
	}{
		{Counts{}, 10, Free, 0},
		{Counts{TimeWait: 1}, 10, TimeWait, .1},
		{Counts{Open: 3, TimeWait: 3}, 10, Open, .6},
		{Counts{Open: 3, TimeWait: 4}, 10, TimeWait, .7},
		{Counts{Open: 4, Listener: 1}, 10, Listener, .5},
		{Counts{Open: 5, Listener: 1}, 10, Open, .6},
		{Counts{Reserved: 10}, 10, Reserved, 1},
		{Counts{TimeWait: 12}, 10, TimeWait, 1},
	} {
		if state, used := test.counts.dominant(test.size); state != test.state || used != test.used {
			t.Errorf("%v of %d: %s %v", test.counts, test.size, names[state], used)
		}
	}
}

func TestLegend(t *testing.T) {
	t.Parallel()
	m := &PortMap{Low: 40000, High: 40999, Legend: true, Slices: []Slice{
		{First: 40000, Last: 40199, Count: Counts{Open: 200}},
		{First: 40200, Last: 40299, Count: Counts{TimeWait: 50}},
		{First: 39000, Last: 39999, Count: Counts{Bound: 1000}}, // out of the range
	}}
	for width, want := range map[int]string{
		60: "█ open 200  ░ TIME_WAIT 50  · free 750",
		33: "█ open  ░ TIME_WAIT  · free",
		26: "█ open ░ TIME_WAIT · free",
		20: "█ open ░ TIME_WAIT",
		3:  "",
	} {
		if got := strings.TrimRight(m.Lines(width, 3)[2], " "); got != want {
			t.Errorf("%d cells: %q, want %q", width, got, want)
		}
	}
}
