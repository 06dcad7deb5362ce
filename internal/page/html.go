package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/chart"
	"github.com/porttrace/porttrace/internal/printable"
)

var (
	//go:embed page.html
	layout string
	//go:embed page.css
	style string
)

var parsed = template.Must(template.New("page").Funcs(template.FuncMap{
	"text":   printable.String,
	"style":  func() template.CSS { return template.CSS(style) },
	"svg":    picture,
	"legend": legend,
	"anchor": anchor,
	"left":   func(t *Table, column int) bool { return column < len(t.Left) && t.Left[column] },
	"long":   long,
	"prose":  prose,
}).Parse(layout))

// longCell is from how many bytes on a cell is a sentence, which needs room.
const longCell = 40

func long(cell string) bool { return len(cell) > longCell }

// prose reports whether a table has sentences beside other columns. On a telephone each of its rows
// stands as lines below each other.
func prose(t *Table) bool {
	return len(t.Head) > 2 && slices.ContainsFunc(t.Rows, func(row []string) bool { return slices.ContainsFunc(row, long) })
}

// HTML writes the document as one file without scripts, which fetches nothing.
func HTML(w io.Writer, d *Document) error {
	var out bytes.Buffer
	if err := parsed.Execute(&out, d); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// picture returns the chart as an element. The library of charts escapes the text in it, which is
// that of the axes.
func picture(c chart.Chart) (template.HTML, error) {
	for _, axis := range [][]chart.Tick{c.X, c.Y} {
		for i := range axis {
			axis[i].Label = printable.String(axis[i].Label)
		}
	}
	svg, err := c.SVG()
	return template.HTML(svg), err
}

// sign is an entry of a legend.
type sign struct {
	Name string
	Role chart.Role
	Kind string // the form of its mark
}

// legend returns the names of what is drawn, each once.
func legend(c chart.Chart) (list []sign) {
	seen := map[string]bool{}
	add := func(name string, role chart.Role, kind string) {
		if name != "" && !seen[name] {
			seen[name] = true
			list = append(list, sign{name, role, kind})
		}
	}
	for _, l := range c.Lines {
		switch {
		case l.Dots:
			add(l.Name, l.Role, "dot")
		case l.Dashed:
			add(l.Name, l.Role, "dash")
		default:
			add(l.Name, l.Role, "line")
		}
	}
	for _, b := range c.Bands {
		add(b.Name, b.Role, "band")
	}
	return list
}

// anchor returns the name by which the section of a title is linked to.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.ToLower(title))
}
