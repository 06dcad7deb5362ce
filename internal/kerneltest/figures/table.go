package figures

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Table is a table of a Markdown document, between a line that names it and one that ends
// it. Its columns are those of its first line.
type Table struct {
	name    string
	columns []string // the first is that of the rows' names
	rows    map[string]map[string]string
}

const end = "<!-- end -->\n"

func begin(name string) string { return "<!-- table: " + name + " -->\n" }

// Find reads a table of the document.
func Find(doc, name string) (*Table, error) {
	_, rest, found := strings.Cut(doc, begin(name))
	text, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		return nil, fmt.Errorf("the document has no table %q", name)
	}
	t := &Table{name: name, rows: map[string]map[string]string{}}
	for line := range strings.Lines(text) {
		cells := split(line)
		switch {
		case t.columns == nil:
			t.columns = cells
		case !strings.HasPrefix(cells[0], "--"):
			for i, text := range cells[1:] {
				t.set(cells[0], t.columns[i+1], text)
			}
		}
	}
	return t, nil
}

func split(line string) []string {
	var cells []string
	for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	return cells
}

// Cell returns "" if nothing was measured.
func (t *Table) Cell(row, column string) string { return t.rows[row][column] }

func (t *Table) set(row, column, text string) {
	if t.rows[row] == nil {
		t.rows[row] = map[string]string{}
	}
	if !slices.Contains(t.columns, column) {
		t.columns = append(t.columns, column)
	}
	t.rows[row][column] = text
}

// dropOlder drops the rows of other releases of the same kernel. A row of another table is
// none of a release.
func (t *Table) dropOlder(row string) {
	if !digits.MatchString(row) {
		return
	}
	maps.DeleteFunc(t.rows, func(other string, _ map[string]string) bool {
		return other != row && series(other) == series(row)
	})
}

func (t *Table) putInto(doc string) string {
	before, rest, _ := strings.Cut(doc, begin(t.name))
	_, after, _ := strings.Cut(rest, end)
	return before + begin(t.name) + t.String() + end + after
}

func (t *Table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.columns)
	line(slices.Repeat([]string{"---"}, len(t.columns)))
	for _, row := range slices.SortedFunc(maps.Keys(t.rows), byNumbers) {
		cells := []string{row}
		for _, column := range t.columns[1:] {
			cells = append(cells, t.rows[row][column])
		}
		line(cells)
	}
	return b.String()
}

// byNumbers sorts 5.9 before 5.10, and what is alike in that by its text.
func byNumbers(a, b string) int {
	return cmp.Or(slices.Compare(numbers(a), numbers(b)), cmp.Compare(a, b))
}

func numbers(s string) []int {
	var list []int
	for _, digits := range digits.FindAllString(s, -1) {
		n, _ := strconv.Atoi(digits)
		list = append(list, n)
	}
	return list
}
