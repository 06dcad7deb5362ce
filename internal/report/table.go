package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// table is aligned text: columns named in left to the left, those of numbers to the right.
type table struct {
	title string
	head  []string
	left  string
	rows  [][]string
	more  int // how many rows are not listed

	common   string   // a column whose cell goes to the title if it is the same in all rows
	optional []string // columns that are left out if no row has anything in them
	// In a table of limited width the columns of drop go first, the first of them before the
	// others; what remains is gained by shortening the cells of flex.
	width int // 0: no limit
	drop  []string
	flex  []string
}

// add appends a row and makes its cells printable: a recording can hold any text.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = printable.String(cell)
	}
	t.rows = append(t.rows, append(cells, make([]string, len(t.head)-len(cells))...))
}

// write writes the table unless it has no rows.
func (t *table) write(out *bytes.Buffer) {
	if len(t.rows) == 0 {
		return
	}
	title := t.title + t.inCommon()
	t.tidy()
	out.WriteString("\n")
	writeWide(out, "", title)
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
	if t.more > 0 {
		fmt.Fprintf(out, "  and %d more\n", t.more)
	}
}

// inCommon removes the column of which all rows have the same cell, and returns what the title
// says of it.
func (t *table) inCommon() string {
	column := t.column(t.common)
	if column < 0 || t.width == 0 {
		return ""
	}
	cell := t.rows[0][column]
	if slices.ContainsFunc(t.rows, func(row []string) bool { return row[column] != cell }) {
		return ""
	}
	t.remove(column)
	if cell == "" || cell == "host" { // there is no other to be confused with
		return ""
	}
	return "; " + t.common + " " + cell
}

// tidy leaves out what is empty, and what there is no room for.
func (t *table) tidy() {
	for _, name := range t.optional {
		if column := t.column(name); column >= 0 && !slices.ContainsFunc(t.rows, func(row []string) bool { return says(row[column]) }) {
			t.remove(column)
		}
	}
	if t.width == 0 {
		return
	}
	for _, name := range t.drop {
		if column := t.column(name); column >= 0 && t.total()-t.slack() > t.width {
			t.remove(column)
		}
	}
	for _, name := range t.flex {
		if over := t.total() - t.width; over > 0 {
			t.shorten(t.column(name), over)
		}
	}
}

// slack is how much shortening gains.
func (t *table) slack() (cells int) {
	widths := t.widths()
	for _, name := range t.flex {
		cells += max(widths[t.column(name)]-minCell, 0)
	}
	return cells
}

// shorten makes a column narrower.
func (t *table) shorten(column, by int) {
	room := max(t.widths()[column]-by, minCell)
	for _, row := range t.rows {
		row[column] = shortened(row[column], room)
	}
}

// says reports whether a cell has more than zeros and dashes.
func says(cell string) bool { return strings.Trim(cell, "0.-? ") != "" }

// minCell is the least that a shortened cell is cut to.
const minCell = 24

// shortened cuts out the middle of a text: of addresses that are alike the end differs.
func shortened(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	head := (width - 1) / 3
	return string(runes[:head]) + "…" + string(runes[len(runes)-(width-1-head):])
}

// column returns the index of a column, -1 if there is none.
func (t *table) column(name string) int { return slices.Index(t.head, name) }

func (t *table) remove(column int) {
	t.head = slices.Delete(slices.Clone(t.head), column, column+1)
	for i, row := range t.rows {
		t.rows[i] = slices.Delete(row, column, column+1)
	}
}

// total returns the width of the table.
func (t *table) total() (width int) {
	for _, w := range t.widths() {
		width += 2 + w
	}
	return width
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

// totalHeads are the columns that processes, groups and destinations share.
var totalHeads = []string{"opens", "opens/s", "live", "syn_sent", "close_wait", "time_wait", "failed", "lifetime"}

// totalCells are their cells.
func totalCells(t *snapshot.Totals, r snapshot.Rates) []string {
	lifetime := ""
	if t.LifetimeP50 > 0 {
		lifetime = phrase.Sampled(t) + phrase.Duration(t.LifetimeP50)
	}
	return []string{
		phrase.Grouped(t.Opens), oneDecimal(r.Opens), phrase.Grouped(t.Live()), phrase.Grouped(t.SynSent), phrase.Grouped(t.CloseWait),
		phrase.Grouped(t.TimeWaitOut), phrase.Grouped(t.Failed()), lifetime,
	}
}

// oneDecimal returns a rate with a decimal, and with a comma after every third digit.
func oneDecimal(perSecond float64) string {
	whole, decimal, _ := strings.Cut(fmt.Sprintf("%.1f", max(perSecond, 0)), ".")
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return phrase.Unknown // no rate is that high
	}
	return phrase.Grouped(n) + "." + decimal
}

// totalsTable is a table whose first columns are followed by those of totals, and these by others.
func (w *writer) totalsTable(first, last []string) table {
	return table{
		head: slices.Concat(first, totalHeads, last), left: strings.Join(slices.Concat(first[len(first)-1:], last), " "),
		optional: append([]string{"syn_sent", "close_wait", "failed", "lifetime"}, last...),
		common:   "netns",
		width:    w.width(), drop: slices.Concat([]string{"lifetime"}, last, []string{"opens/s"}), flex: first[len(first)-1:],
	}
}

// idle reports whether nothing of a row would be listed but zeros.
func idle(t *snapshot.Totals) bool {
	return t.Opens == 0 && t.Live() <= 0 && t.SynSent <= 0 && t.CloseWait <= 0 && t.TimeWaitOut <= 0 && t.Failed() == 0
}

// group returns the container of a pod, else the container by its short id, else the unit, else
// the executable.
func group(p *event.Process) string {
	return cmp.Or(string(p.Pod), shortID(p.Container), p.Unit, p.Exe)
}

// shortID returns the id of a container as its tools print it.
func shortID(id string) string { return id[:min(len(id), 12)] }
