package main

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// TestMain is the floors, too: they are this program with other arguments.
func TestMain(m *testing.M) {
	lab.MaybeRun()
	if len(os.Args) > 1 && os.Args[1] == "-floor" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Each floor runs at every state change: six in a connection that is reset. Those of other
// programs on the host come in addition.
func TestFloors(t *testing.T) {
	need.Root(t, "a network namespace")
	need.BTF(t)
	s := storm{name: "rst", job: lab.Storm{Reset: true, Count: 1000}}
	for _, m := range floors()[1:] {
		got, err := kernelOnce(t.Context(), config{settle: 100 * time.Millisecond}, s, m)
		if err != nil {
			t.Fatal(m.name, err)
		}
		if got.runsPerConnection < 6 || got.usPerConnection <= 0 {
			t.Errorf("%s: %+v", m.name, got)
		}
		if hasRing := got.maps >= ringBytes; hasRing != (m.name == recordFloor) {
			t.Errorf("%s has maps of %d bytes", m.name, got.maps)
		}
	}
}

// report is a mode of porttrace that kept 0.96 of what the empty program did in each of two rounds.
var report = mode{name: "report", kind: piped}

func twoRounds() measured {
	round := func(perSecond float64) map[string]sample {
		of := func(part float64) sample {
			return sample{connections: 1000, perSecond: part * perSecond, stormCPU: 0.024 / part}
		}
		traced := of(0.768)
		traced.tracerCPU, traced.tracerPeak = 3*time.Millisecond, 30<<20
		return map[string]sample{none: of(1), emptyFloor: of(0.8), "report": traced}
	}
	kernel := map[string]kernelSample{
		emptyFloor: {runsPerConnection: 6, nsPerRun: 50, usPerConnection: 0.3},
		"report":   {runsPerConnection: 6, nsPerRun: 200, usPerConnection: 1.2, maps: 5 << 20},
	}
	return measured{
		rounds: []map[string]sample{round(20_000), round(40_000)},
		kernel: []map[string]kernelSample{kernel},
		memory: map[string]memorySample{"report": {peak: 41 << 20, later: 29 << 20, idle: 0.01}},
	}
}

// What is compared is of the same round; a median of two rounds is between them.
func TestFigures(t *testing.T) {
	m := twoRounds()
	list := m.figures(storm{name: "rst"}, append(floors()[:2], report))
	got := list[2]
	want := map[string][2]float64{
		"connections/s": {got.perSecond, 23_040}, "kept": {got.kept, 0.768}, "of the empty program's": {got.keptOfEmpty, 0.96},
		"net": {got.kernelNet, 0.9}, "by CPU": {got.keptByCPU, 0.96}, "storm": {got.storming, 31.25}, "tracer": {got.tracer, 3}, "peak": {got.peakMiB, 41}, "later": {got.laterMiB, 29},
		"idle": {got.idlePercent, 1}, "maps": {got.mapsMiB, 5},
	}
	for name, pair := range want {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	if !math.IsNaN(list[0].kernel) || !math.IsNaN(list[1].laterMiB) {
		t.Errorf("figures of what was not measured: %+v", list)
	}
}

// Goals stand beside the figures, and only porttrace has to meet them.
func TestTable(t *testing.T) {
	m := twoRounds()
	var b bytes.Buffer
	if err := writeTable(&b, m.figures(storm{name: "rst"}, append(floors()[:2], report))); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"| rst storm | goal | none | empty program | report |",
		"| throughput, of the empty program's | ≥ 0.97 | 1.250 | 1.000 | 0.960 not met |",
		"| kernel: net of the empty program | ≤ 1.5 | | 0.00 | 0.90 met |",
		"| tracer's CPU: µs a connection | ≤ 1.5 | | 0.00 | 3.00 not met |",
		"| peak RSS, MiB | ≤ 40 | | | 41 not met |",
		"| RSS later, MiB | ≤ 30 | | | 29 met |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// Some modes have another goal.
func TestGoals(t *testing.T) {
	list := []figures{{storm: "fin", mode: report}, {storm: "fin", mode: mode{recordMode, piped, nil}}}
	tracerRow := row{goal: tracerGoal}
	if got := tracerRow.goals(list); got != "≤ 1.5, record ≤ 2" {
		t.Error(got)
	}
	if g := netGoal(&list[0]); !g.met(2) || g.met(2.01) {
		t.Error(g)
	}
}

func TestSummary(t *testing.T) {
	m := twoRounds()
	want := "A storm of 23,000 connections a second keeps 77 % of its throughput; a connection takes 1.2 µs of\n" +
		"processor time in the kernel and 3.0 µs in porttrace. That keeps at most 41 MiB in `report`,\nand 5 MiB of maps in the kernel."
	if got := summary([][]figures{m.figures(storm{name: "rst"}, append(floors(), report))}); got != want {
		t.Errorf("%q", got)
	}
	with := func(name string, kind kind, kept, peak float64) figures {
		return figures{mode: mode{name: name, kind: kind}, perSecond: 30000, kept: kept, kernel: 2, tracer: 2, peakMiB: peak, mapsMiB: 30}
	}
	all := [][]figures{
		{with(none, bare, 1, math.NaN()), with("report", piped, 0.9, 38), with("screen", screen, 0.89, 42)},
		{with("report", piped, math.NaN(), 39), with("screen", screen, math.NaN(), 62)},
	}
	want = "A storm of 30,000 connections a second keeps 89 to 90 % of its throughput; a connection takes 2.0 µs of\n" +
		"processor time in the kernel and 2.0 µs in porttrace. That keeps at most 39 MiB in `report`, 62 MiB in `screen`,\nand 30 MiB of maps in the kernel."
	if got := summary(all); got != want {
		t.Errorf("%q", got)
	}
	if got := summary(nil); got != "" {
		t.Errorf("%q of nothing", got)
	}
}

func TestParse(t *testing.T) {
	cfg, err := parse([]string{"-rounds", "3", "-tracer", "report=a b", "-screen", "screen=c", "-peer", "p=d", "-storm", "fin,wide"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cfg.modes); n != 6 || cfg.modes[3].args[1] != "b" || cfg.modes[4].kind != screen || cfg.modes[5].hasGoals() {
		t.Errorf("%+v", cfg.modes)
	}
	if len(cfg.storms) != 2 || !cfg.storms[1].onlyMemory || cfg.storms[1].job.Count != wideBuckets {
		t.Errorf("%+v", cfg.storms)
	}
	if _, err := parse([]string{"-storm", "hail"}); err == nil {
		t.Error("no error of an unknown storm")
	}
}

// The time of guests is not counted twice; waiting for a disk is no work.
func TestBusy(t *testing.T) {
	before, err := parseTicks("cpu  100 0 50 800 50 0 0 0 40 0\ncpu0 1 2 3\n")
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseTicks("cpu  110 0 60 870 60 0 0 0 50 0\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := after.busySince(before); math.Abs(got-0.2) > 1e-9 {
		t.Error(got)
	}
	if _, err := parseTicks("intr 1"); err == nil {
		t.Error("no error of another line")
	}
}
