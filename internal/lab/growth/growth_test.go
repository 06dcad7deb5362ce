package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

func TestMain(m *testing.M) {
	lab.MaybeRun()
	os.Exit(m.Run())
}

// powers returns the costs n^k of some sizes.
func powers(k float64) (s series) {
	for _, n := range []float64{1000, 2000, 5000, 10_000, 20_000, 50_000} {
		s.points = append(s.points, point{n, math.Pow(n, k) / 1000})
	}
	return s
}

// The exponent is that of the cost; what grows as n log n is not beyond it, and n^1.5 is.
func TestExponent(t *testing.T) {
	for _, k := range []float64{0, 0.5, 1, 1.5} {
		s := powers(k)
		if got := exponent(s.points); math.Abs(got-k) > 1e-9 {
			t.Errorf("exponent %v of n^%v", got, k)
		}
		if s.beyond(false) != (k > 1.2) || s.beyond(true) != (k > 0.3) {
			t.Errorf("n^%v: beyond n log n is %v, beyond log n %v", k, s.beyond(false), s.beyond(true))
		}
	}
	var s series
	for _, p := range powers(0).points {
		s.points = append(s.points, point{p.size, p.size * math.Log(p.size)})
	}
	if s.beyond(false) {
		t.Error("n log n is beyond itself")
	}
	if got := exponent(s.points[:1]); got != 0 {
		t.Errorf("exponent %v of one point", got)
	}
}

// The steepest decade is found where it is.
func TestSteepest(t *testing.T) {
	s := powers(0)
	for i := range s.points {
		s.points[i].cost = max(1, s.points[i].size/5000)
	}
	if k, from := s.steepest(); from != 5000 || math.Abs(k-1) > 1e-9 {
		t.Errorf("n^%v from %v", k, from)
	}
}

// A picture is a function of the chart, is well-formed, and does not leave its size.
func TestPicture(t *testing.T) {
	c := chart{name: "event", title: "Time <of> an event", unit: "ns", lines: []series{powers(1), powers(0)}}
	c.lines[0].name = "sockets & more"
	text := c.svg()
	if again := c.svg(); again != text {
		t.Error("another picture of the same chart")
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{">10k<", "sockets &amp; more: n^1.00", "Time &lt;of&gt; an event"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	p := newPlot(&c)
	for _, at := range c.lines[0].points {
		if x, y := p.x.at(at.size), p.y.at(at.cost); x < left || x > width-right || y < top || y > height-bottom {
			t.Errorf("%v is at %v, %v", at, x, y)
		}
	}
}

// A load has as many of each thing as it says, and its scan finds what the events have said.
func TestLoad(t *testing.T) {
	l := load{sockets: 300, destinations: 40, namespaces: 3, programs: 7}
	r, err := newRunning(l)
	if err != nil {
		t.Fatal(err)
	}
	snap := r.state.Snapshot(r.now)
	if len(snap.Destinations) != 3*40 || len(snap.Namespaces) != 3 || len(snap.Processes) != 7 || snap.Totals.Live() != 300 {
		t.Errorf("%d destinations, %d namespaces, %d processes, %d sockets",
			len(snap.Destinations), len(snap.Namespaces), len(snap.Processes), snap.Totals.Live())
	}
	r.now++
	differences := 0
	err = r.state.Add(event.Batch{Now: r.now, Scan: l.scan(r.now)}, func(e *event.Event, _ *event.World) error {
		if e.Kind == event.SocketFound || e.Kind == event.SocketGone {
			differences++
		}
		return nil
	})
	if err != nil || differences > 0 {
		t.Errorf("%d differences, %v", differences, err)
	}
}

func TestMeasure(t *testing.T) {
	charts, err := measureAll(t.Context(), config{most: 1000, passes: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range charts {
		for _, s := range c.lines {
			if len(s.points) == 0 || s.points[0].cost <= 0 {
				t.Errorf("%s with %s: %v", c.name, s.name, s.points)
			}
		}
	}
}

func TestScans(t *testing.T) {
	need.Root(t, "a network namespace")
	need.BTF(t)
	c, err := measureScans(t.Context(), config{most: 2000, passes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.lines) != 2 || len(c.lines[0].points) != 2 {
		t.Errorf("%+v", c)
	}
}

// The document links the pictures where they are.
func TestDocument(t *testing.T) {
	dir := t.TempDir()
	doc := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(doc, []byte("<!-- part: growth -->old<!-- end -->"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "growth"), 0o755); err != nil {
		t.Fatal(err)
	}
	steep := powers(2)
	steep.name = "sockets"
	charts := []chart{{name: "event", title: "Time", unit: "ns", lines: []series{steep}}}
	if err := document(config{doc: doc, curves: filepath.Join(dir, "growth"), version: "v1"}, charts); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"![Time](growth/event.svg)", "n^2.00", "than log n: event with sockets."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "growth", "event.svg")); err != nil {
		t.Error(err)
	}
}
