// Package roff writes manual pages, in the macros of man(7).
package roff

import (
	"fmt"
	"io"
	"strings"
)

// Page is the text of a manual page. Texts can have any characters: none has a meaning.
type Page struct{ text strings.Builder }

// New begins a page: its name, as porttrace-record, the section of the manual, the day as
// 2026-11-28 (it can be empty), and what it is of with its version; all without quotes and
// backslashes.
func New(name, section, day, source string) *Page {
	p := &Page{}
	fmt.Fprintf(&p.text, ".TH %q %q %q %q\n", strings.ToUpper(name), section, day, source)
	return p
}

// WriteTo writes the page.
func (p *Page) WriteTo(to io.Writer) (int64, error) {
	n, err := io.WriteString(to, p.text.String())
	return int64(n), err
}

// Section begins a section.
func (p *Page) Section(title string) { fmt.Fprintf(&p.text, ".SH %s\n", quote(strings.ToUpper(title))) }

// Subsection begins a part of a section.
func (p *Page) Subsection(title string) { fmt.Fprintf(&p.text, ".SS %s\n", quote(title)) }

// Name is the section that apropos(1) and whatis(1) read.
func (p *Page) Name(name, does string) {
	p.Section("name")
	fmt.Fprintf(&p.text, "%s \\- %s\n", escape(name), escape(does))
}

// Paragraphs writes a text, whose paragraphs are separated by empty lines.
func (p *Page) Paragraphs(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			p.text.WriteString(".PP\n")
		}
		p.lines(strings.TrimSpace(paragraph))
	}
}

// Item writes what is explained, in bold letters, and the text about it.
func (p *Page) Item(head, text string) {
	fmt.Fprintf(&p.text, ".TP\n\\fB%s\\fR\n", escape(head))
	p.lines(text)
}

// Literal writes lines as they are, indented.
func (p *Page) Literal(text string) {
	p.text.WriteString(".RS 4\n.nf\n")
	p.lines(text)
	p.text.WriteString(".fi\n.RE\n")
}

func (p *Page) lines(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		p.text.WriteString(escape(strings.TrimRight(line, " \t\r")) + "\n")
	}
}

var escapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "\r", " ", "\t", " ", "\n", " ")

// escape returns a line in which nothing has a meaning, and all is shown as the ASCII that can be
// typed.
func escape(line string) string {
	line = escapes.Replace(line)
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

// quote returns an argument of a macro.
func quote(argument string) string {
	return `"` + strings.ReplaceAll(escape(argument), `"`, `""`) + `"`
}
