package page

import (
	"bytes"
	"cmp"
	_ "embed"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/porttrace/porttrace/internal/chart"
	"github.com/porttrace/porttrace/internal/printable"
)

//go:embed page.css
var style string

// policy keeps a browser from fetching or running anything.
const policy = "default-src 'none'; style-src 'unsafe-inline'"

// HTML writes the document as one file without scripts, which fetches nothing. It is a tree of elements, not a
// template, which would take 3 MB: see packaging/cold.
func HTML(w io.Writer, d *Document) error {
	p := &pictures{}
	page := &html.Node{Type: html.DocumentNode}
	appendAll(page, nodes{
		{Type: html.DoctypeNode, Data: "html"},
		newline(),
		element("html", attributes{"lang", "en"}, newline(), head(d.Title), newline(), p.body(d), newline()),
		newline(),
	})
	var out bytes.Buffer
	if err := cmp.Or(p.err, html.Render(&out, page)); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

func head(title string) *html.Node {
	var list nodes
	for _, meta := range []attributes{
		{"charset", "utf-8"},
		{"name", "viewport", "content", "width=device-width, initial-scale=1"},
		{"name", "color-scheme", "content", "light dark"},
		{"name", "referrer", "content", "no-referrer"},
		{"http-equiv", "Content-Security-Policy", "content", policy},
	} {
		list.line(element("meta", meta))
	}
	list.line(element("title", nil, text(title)))
	list.line(element("style", nil, raw("\n"+style)))
	return element("head", nil, append(nodes{newline()}, list...)...)
}

// pictures makes the elements of a document. Its error is that of a chart.
type pictures struct{ err error }

func (p *pictures) body(d *Document) *html.Node {
	var header, sections, links nodes
	header.line(element("h1", nil, text(d.Title)))
	for _, about := range d.About {
		header.line(element("p", nil, text(about)))
	}
	for i := range d.Sections {
		s := &d.Sections[i]
		links = append(links, element("a", attributes{"href", "#" + anchor(s.Title)}, text(s.Title)), raw(" "))
		is := attributes{"id", anchor(s.Title)}
		if s.Figures() {
			is = append(is, "class", "figures")
		}
		content := nodes{newline(), element("h2", nil, text(s.Title)), newline()}
		sections.line(element("section", is, append(content, p.blocks(s.Blocks)...)...))
	}
	header.line(element("nav", nil, links...))
	return element("body", nil, newline(),
		element("header", nil, append(nodes{newline()}, header...)...), newline(),
		element("main", nil, append(nodes{newline()}, sections...)...), newline())
}

func (p *pictures) blocks(list []Block) (out nodes) {
	for i := range list {
		b := &list[i]
		switch {
		case b.Heading != "":
			out.line(element("h4", nil, text(b.Heading)))
		case b.Text != "":
			out.line(element("p", nil, text(b.Text)))
		case len(b.List) > 0:
			out.line(listed("ul", b.List, func(item string) *html.Node { return element("li", nil, text(item)) }))
		case len(b.Facts) > 0:
			out.line(listed("dl", b.Facts, func(f Fact) *html.Node {
				return element("div", nil, element("dt", nil, text(f.Name)), element("dd", nil, text(f.Text)))
			}))
		case len(b.Steps) > 0:
			out.line(listed("ol", b.Steps, func(s Step) *html.Node {
				return element("li", nil, append(nodes{element("p", nil, text(s.Text)), newline()}, p.blocks(s.Blocks)...)...)
			}))
		case len(b.Code) > 0:
			out.line(code(b.Code))
		case b.Table != nil:
			out = append(out, table(b.Table)...)
		case b.Card != nil:
			content := nodes{newline(), element("h3", nil, text(b.Card.Title)), newline()}
			out.line(element("article", attributes{"class", "card " + string(b.Card.Level)}, append(content, p.blocks(b.Card.Blocks)...)...))
		case b.Figure != nil:
			out.line(p.figure(b.Figure))
		}
	}
	return out
}

// listed returns an element with one for each item.
func listed[T any](name string, items []T, one func(T) *html.Node) *html.Node {
	list := nodes{newline()}
	for _, item := range items {
		list.line(one(item))
	}
	return element(name, nil, list...)
}

func code(lines []string) *html.Node {
	var list nodes
	for _, line := range lines {
		list.line(text(line))
	}
	return element("pre", attributes{"tabindex", "0"}, element("code", nil, list...))
}

// longCell is from how many bytes on a cell is a sentence, which needs room.
const longCell = 40

func long(cell string) bool { return len(cell) > longCell }

// prose reports whether a table has sentences beside other columns. On a telephone each of its rows
// stands as lines below each other.
func prose(t *Table) bool {
	return len(t.Head) > 2 && slices.ContainsFunc(t.Rows, func(row []string) bool { return slices.ContainsFunc(row, long) })
}

func table(t *Table) (out nodes) {
	left := func(column int) bool { return column < len(t.Left) && t.Left[column] }
	var is attributes
	if prose(t) {
		is = attributes{"class", "prose"}
	}
	content := nodes{newline()}
	if t.Title != "" {
		content.line(element("caption", nil, text(t.Title)))
	}
	var names nodes
	for i, name := range t.Head {
		is := attributes{"scope", "col"}
		if left(i) {
			is = append(is, "class", "text")
		}
		names = append(names, element("th", is, text(name)))
	}
	content.line(element("thead", nil, element("tr", nil, names...)))
	content = append(content, listed("tbody", t.Rows, func(row []string) *html.Node {
		var cells nodes
		for i, cell := range row {
			var is attributes
			if prose(t) {
				is = append(is, "data-name", printable.String(t.Head[i]))
			}
			switch {
			case left(i) && long(cell):
				is = append(is, "class", "text long")
			case left(i):
				is = append(is, "class", "text")
			}
			cells = append(cells, element("td", is, text(cell)))
		}
		return element("tr", nil, cells...)
	}))
	out.line(element("div", attributes{"class", "table", "tabindex", "0"}, element("table", is, content...)))
	if t.More != "" {
		out.line(element("p", attributes{"class", "more"}, text(t.More)))
	}
	return out
}

func (p *pictures) figure(f *Figure) *html.Node {
	caption := nodes{element("b", nil, text(f.Title))}
	var signs nodes
	for _, s := range legend(f.Chart) {
		signs = append(signs, element("span", nil, element("i", attributes{"class", string(s.Role) + " " + s.Kind}), text(s.Name)))
	}
	if len(signs) > 0 {
		caption = append(caption, element("span", attributes{"class", "legend"}, signs...))
	}
	label := printable.String(f.Title) + ": " + printable.String(f.Caption)
	return element("figure", nil, newline(),
		element("figcaption", nil, caption...), newline(),
		element("div", attributes{"role", "img", "aria-label", label}, p.picture(f.Chart)), newline(),
		element("p", nil, text(f.Caption)), newline())
}

// picture returns the chart as an element. The library of charts escapes the text in it, which is
// that of the axes.
func (p *pictures) picture(c chart.Chart) *html.Node {
	for _, axis := range [][]chart.Tick{c.X, c.Y} {
		for i := range axis {
			axis[i].Label = printable.String(axis[i].Label)
		}
	}
	svg, err := c.SVG()
	p.err = cmp.Or(p.err, err)
	return raw(svg)
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
