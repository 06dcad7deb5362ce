package page

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/printable"
)

// Markdown writes the document as GitHub-flavoured Markdown, without its charts.
func Markdown(w io.Writer, d *Document) error {
	m := &markdown{}
	m.line("# " + escape(d.Title))
	for _, line := range d.About {
		m.line(escape(line) + "  ")
	}
	for i := range d.Sections {
		s := &d.Sections[i]
		if s.Figures() {
			continue
		}
		m.paragraph("## " + escape(s.Title))
		m.blocks(s.Blocks, "")
	}
	_, err := w.Write(m.out.Bytes())
	return err
}

type markdown struct{ out bytes.Buffer }

func (m *markdown) line(text string) { m.out.WriteString(strings.TrimRight(text, "\n") + "\n") }

// paragraph writes a line after an empty one.
func (m *markdown) paragraph(text string) { m.line("\n" + text) }

// blocks writes blocks, each line behind an indent.
func (m *markdown) blocks(list []Block, indent string) {
	for i := range list {
		b := &list[i]
		switch {
		case b.Heading != "":
			m.paragraph(indent + "**" + escape(b.Heading) + "**")
		case b.Text != "":
			m.paragraph(indent + escape(b.Text))
		case len(b.List) > 0:
			m.list(b.List, indent)
		case len(b.Facts) > 0:
			m.facts(b.Facts, indent)
		case len(b.Steps) > 0:
			m.steps(b.Steps, indent)
		case len(b.Code) > 0:
			m.code(b.Code, indent)
		case b.Table != nil:
			m.table(b.Table)
		case b.Card != nil:
			m.paragraph("### " + escape(b.Card.Title))
			m.blocks(b.Card.Blocks, indent)
		}
	}
}

func (m *markdown) list(items []string, indent string) {
	m.line("")
	for _, item := range items {
		m.line(indent + "- " + escape(item))
	}
}

func (m *markdown) facts(facts []Fact, indent string) {
	m.line("")
	for _, f := range facts {
		m.line(indent + "- **" + escape(f.Name) + "**: " + escape(f.Text))
	}
}

func (m *markdown) steps(steps []Step, indent string) {
	for i := range steps {
		mark := strconv.Itoa(i+1) + ". "
		m.paragraph(indent + mark + escape(steps[i].Text))
		m.blocks(steps[i].Blocks, indent+strings.Repeat(" ", len(mark)))
	}
}

// code writes lines in a fence that is longer than any run of its character in them.
func (m *markdown) code(lines []string, indent string) {
	fence := "```"
	for _, line := range lines {
		for strings.Contains(line, fence) {
			fence += "`"
		}
	}
	m.paragraph(indent + fence)
	for _, line := range lines {
		m.line(indent + printable.String(line))
	}
	m.line(indent + fence)
}

func (m *markdown) table(t *Table) {
	if t.Title != "" {
		m.paragraph("**" + escape(t.Title) + "**")
	}
	rule := make([]string, len(t.Head))
	for i := range rule {
		rule[i] = "---:"
		if i < len(t.Left) && t.Left[i] {
			rule[i] = "---"
		}
	}
	m.line("")
	m.row(t.Head)
	m.line("| " + strings.Join(rule, " | ") + " |")
	for _, row := range t.Rows {
		m.row(row)
	}
	if t.More != "" {
		m.paragraph(escape(t.More))
	}
}

func (m *markdown) row(cells []string) {
	m.out.WriteString("|")
	for _, cell := range cells {
		m.out.WriteString(" " + escape(cell) + " |")
	}
	m.out.WriteString("\n")
}
