package page

import (
	"golang.org/x/net/html"

	"github.com/porttrace/porttrace/internal/printable"
)

// attributes are names, each with its value after it.
type attributes []string

// nodes are the content of an element.
type nodes []*html.Node

// line adds an element that ends a line.
func (n *nodes) line(one *html.Node) { *n = append(*n, one, newline()) }

func element(name string, is attributes, content ...*html.Node) *html.Node {
	e := &html.Node{Type: html.ElementNode, Data: name}
	for i := 0; i < len(is); i += 2 {
		e.Attr = append(e.Attr, html.Attribute{Key: is[i], Val: is[i+1]})
	}
	appendAll(e, content)
	return e
}

func appendAll(to *html.Node, content nodes) {
	for _, n := range content {
		to.AppendChild(n)
	}
}

// text is shown as it is, whatever it has.
func text(s string) *html.Node { return &html.Node{Type: html.TextNode, Data: printable.String(s)} }

// raw is markup.
func raw(s string) *html.Node { return &html.Node{Type: html.RawNode, Data: s} }

func newline() *html.Node { return raw("\n") }
