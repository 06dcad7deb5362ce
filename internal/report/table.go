package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// table is aligned text. Columns hold numbers, to the right, but for those named
// in left.
type table struct {
	head []string
	left string
	rows [][]string
}

// add makes the cells printable: a recording can hold anything anywhere.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = printable.String(cell)
	}
	t.rows = append(t.rows, cells)
}

// write writes nothing if there are no rows. more is how many were left out.
func (t *table) write(out *bytes.Buffer, title string, more int) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", title)
	widths := t.widths()
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.isLeft(i) {
				line.WriteString("  " + cell + padding)
			} else {
				line.WriteString("  " + padding + cell)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
}

func (t *table) isLeft(column int) bool {
	return slices.Contains(strings.Fields(t.left), t.head[column])
}

func (t *table) widths() []int {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func top[T any](rows []T) []T { return rows[:min(len(rows), topRows)] }

// figures are the cells that processes and destinations share.
func figures(t *snapshot.Totals, r snapshot.Rates) []string {
	lifetime := ""
	if t.LifetimeP50 > 0 {
		lifetime = duration(t.LifetimeP50)
	}
	return []string{
		strconv.FormatUint(t.Opens, 10), fmt.Sprintf("%.1f", r.Opens), strconv.FormatInt(t.Live(), 10),
		strconv.FormatInt(t.TimeWaitOut, 10), strconv.FormatUint(t.Failed(), 10), lifetime,
	}
}

func pid(p event.ProcID) string {
	if !p.Known() {
		return "-"
	}
	return strconv.FormatUint(uint64(p.PID), 10)
}

// group is the container by its short id, else the unit, else the executable.
func group(p *event.Process) string {
	return cmp.Or(shortID(p.Container), p.Unit, p.Exe)
}

// shortID is the id of a container as its tools print it.
func shortID(id string) string { return id[:min(len(id), 12)] }

func netns(name string, inode uint32) string {
	if name == "" {
		return strconv.FormatUint(uint64(inode), 10)
	}
	return name
}

// duration keeps three digits.
func duration(d time.Duration) string {
	unit := time.Nanosecond
	for d >= 1000*unit && unit < time.Second {
		unit *= 10
	}
	return d.Round(unit).String()
}
