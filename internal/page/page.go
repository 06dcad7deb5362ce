// Package page writes a document as one HTML file that needs nothing else, and as GitHub-flavoured
// Markdown. Every text of a document may be hostile, as names from a recording are: what is written
// shows it and does nothing.
package page

import "github.com/porttrace/porttrace/internal/chart"

// Document is what is written.
type Document struct {
	Title    string
	About    []string // lines below the title
	Sections []Section
}

// Section is a part of a document with a title.
type Section struct {
	Title  string
	Blocks []Block
}

// Block is one part of a section: one of its fields is set.
type Block struct {
	Heading string
	Text    string
	List    []string
	Facts   []Fact
	Steps   []Step
	Code    []string // lines, as they are to be typed
	Table   *Table
	Card    *Card
	Figure  *Figure
}

// Fact is a text with a name.
type Fact struct{ Name, Text string }

// Step is one of several things to do, in order.
type Step struct {
	Text   string
	Blocks []Block
}

// Table is rows of cells below the names of their columns.
type Table struct {
	Title string
	Head  []string
	Left  []bool // columns of text, not of numbers
	Rows  [][]string
	More  string // what is not listed; empty: all is
}

// Level is how bad something is.
type Level string

// In the order of how soon one must know.
const (
	Bad     Level = "bad"
	Warning Level = "warning"
	Unknown Level = "unknown"
	Good    Level = "good"
	Note    Level = "note"
)

// Card is blocks in a frame.
type Card struct {
	Level  Level
	Title  string
	Blocks []Block
}

// Figure is a chart. Markdown has none.
type Figure struct {
	Title   string
	Caption string // what is to be seen, in a sentence
	Chart   chart.Chart
}

// Figures reports whether all of the section is charts.
func (s *Section) Figures() bool {
	for i := range s.Blocks {
		if s.Blocks[i].Figure == nil {
			return false
		}
	}
	return len(s.Blocks) > 0
}
