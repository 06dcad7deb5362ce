package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/porttrace/porttrace/internal/lab/performance"
)

// row is one figure of all modes.
type row struct {
	title, format string
	figure        func(*figures) float64
	goal          func(*figures) goal // nil: it has none
}

var rows = []row{
	{"connections/s", "%.0f", func(f *figures) float64 { return f.perSecond }, nil},
	{"throughput kept", "%.2f", func(f *figures) float64 { return f.kept }, nil},
	{"throughput, of the empty program's", "%.3f", func(f *figures) float64 { return f.keptOfEmpty }, keptGoal},
	{"the same by the storm's CPU time", "%.3f", func(f *figures) float64 { return f.keptByCPU }, nil},
	{"storm's CPU: µs a connection", "%.2f", func(f *figures) float64 { return f.storming }, nil},
	{"kernel: runs a connection", "%.1f", func(f *figures) float64 { return f.runs }, nil},
	{"kernel: ns a run", "%.0f", func(f *figures) float64 { return f.nsPerRun }, runGoal},
	{"kernel: µs a connection", "%.2f", func(f *figures) float64 { return f.kernel }, nil},
	{"kernel: net of the empty program", "%.2f", func(f *figures) float64 { return f.kernelNet }, netGoal},
	{"tracer's CPU: µs a connection", "%.2f", func(f *figures) float64 { return f.tracer }, tracerGoal},
	{"peak RSS, MiB", "%.0f", func(f *figures) float64 { return f.peakMiB }, peakGoal},
	{"RSS later, MiB", "%.0f", func(f *figures) float64 { return f.laterMiB }, laterGoal},
	{"CPU later, % of one", "%.1f", func(f *figures) float64 { return f.idlePercent }, idleGoal},
	{"maps in the kernel, MiB", "%.1f", func(f *figures) float64 { return f.mapsMiB }, nil},
}

// writeTable writes the figures of one storm, a column for each mode. What was not measured has
// no row.
func writeTable(w io.Writer, list []figures) error {
	head := []string{list[0].storm + " storm", "goal"}
	for i := range list {
		head = append(head, list[i].mode.name)
	}
	lines := [][]string{head}
	for _, r := range rows {
		line := []string{r.title, r.goals(list)}
		for i := range list {
			line = append(line, r.cell(&list[i]))
		}
		if strings.Join(line[2:], "") != "" {
			lines = append(lines, line)
		}
	}
	_, err := io.WriteString(w, performance.Table(lines)+"\n")
	return err
}

// cell returns a figure, and whether it meets its goal.
func (r *row) cell(f *figures) string {
	value := r.figure(f)
	if math.IsNaN(value) {
		return ""
	}
	text := fmt.Sprintf(r.format, value)
	switch {
	case r.goal == nil || !f.mode.hasGoals():
		return text
	case r.goal(f).met(value):
		return text + " met"
	default:
		return text + " not met"
	}
}

// goals returns the goal, and those that are others for some modes.
func (r *row) goals(list []figures) string {
	var text string
	var first goal
	for i := range list {
		if r.goal == nil || !list[i].mode.hasGoals() {
			continue
		}
		switch g := r.goal(&list[i]); {
		case text == "":
			first, text = g, g.String()
		case g != first:
			text += fmt.Sprintf(", %s %s", list[i].mode.name, g)
		}
	}
	return text
}
