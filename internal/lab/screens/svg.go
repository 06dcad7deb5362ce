package main

import (
	"fmt"
	"html"
	"image/color"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/lab/terminal"
)

// A cell in pixels. Characters of the usual fonts are 0.6 of their size wide.
const (
	cellWidth  = 9
	cellHeight = 19
	fontSize   = 15
	baseline   = 14 // of a character, from the top of its cell
	margin     = 14 // around the screen
	fonts      = "'JetBrains Mono','Cascadia Mono','DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"
)

// printer writes a screen as SVG.
type printer struct {
	theme  *theme
	shapes map[string]*strings.Builder // paths, by colour and opacity
	text   strings.Builder
}

// svgOf returns a screen as SVG.
func svgOf(s *terminal.Screen, t *theme) string {
	p := &printer{theme: t, shapes: map[string]*strings.Builder{}}
	for y, row := range s.Rows {
		p.row(y, row)
	}
	width, height := len(s.Rows[0])*cellWidth+2*margin, len(s.Rows)*cellHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect x=".5" y=".5" width="%d" height="%d" rx="8" fill="%s" stroke="%s"/>`+"\n",
		width-1, height-1, hex(t.background), hex(t.border))
	fmt.Fprintf(&b, `<g transform="translate(%d %[1]d)">`+"\n", margin)
	// The background of a cell comes first: its layer sorts before those of characters.
	for _, layer := range slices.Sorted(maps.Keys(p.shapes)) {
		fmt.Fprintf(&b, `<path %s d="%s"/>`+"\n", layer[1:], p.shapes[layer])
	}
	fmt.Fprintf(&b, `<g font-family="%s" font-size="%d" xml:space="preserve">`+"\n%s</g>\n</g>\n</svg>\n", fonts, fontSize, &p.text)
	return b.String()
}

// look is how a cell is drawn.
type look struct {
	fg, bg                  color.Color
	bold, italic, underline bool
	opacity                 string // of a faint one
}

func (p *printer) lookOf(c *terminal.Cell) look {
	l := look{fg: c.Fg, bg: c.Bg, bold: c.Bold, italic: c.Italic, underline: c.Underline}
	if c.Reverse {
		l.fg, l.bg = l.bg, l.fg
		if l.fg == nil {
			l.fg = p.theme.background
		}
		if l.bg == nil {
			l.bg = p.theme.foreground
		}
	}
	if l.fg == nil {
		l.fg = p.theme.foreground
	}
	if c.Faint {
		l.opacity = ".55"
	}
	return l
}

// row draws a row: runs of the same look, without the blanks between words that are far apart.
func (p *printer) row(y int, row []terminal.Cell) {
	for x := 0; x < len(row); {
		l := p.lookOf(&row[x])
		end := x + 1
		for end < len(row) && p.lookOf(&row[end]) == l {
			end++
		}
		if l.bg != nil {
			p.add("0"+fill(l.bg, ""), rect(x*cellWidth, y*cellHeight, (end-x)*cellWidth, cellHeight))
		}
		if l.underline {
			p.add("1"+fill(l.fg, l.opacity), rect(x*cellWidth, y*cellHeight+baseline+2, (end-x)*cellWidth, 1))
		}
		p.run(x, y, row[x:end], l)
		x = end
	}
}

// run draws cells of one look: shapes, and words between them.
func (p *printer) run(x, y int, cells []terminal.Cell, l look) {
	for i := 0; i < len(cells); {
		if isBlank(cells[i].Text) {
			i++
			continue
		}
		if runs := len(cells[i:]) - len(skipSame(cells[i:])); p.shape(x+i, y, runs, cells[i].Text, l) {
			i += runs
			continue
		}
		end := i + 1
		for end < len(cells) && !endsWord(cells[end:]) {
			end++
		}
		p.word(x+i, y, cells[i:end], l)
		i = end
	}
}

// endsWord reports whether a shape comes, or more than one blank.
func endsWord(cells []terminal.Cell) bool {
	return isShape(cells[0].Text) || isBlank(cells[0].Text) && (len(cells) == 1 || isBlank(cells[1].Text))
}

func isBlank(text string) bool { return text == " " || text == "" }

// skipSame returns the cells behind those that are equal to the first.
func skipSame(cells []terminal.Cell) []terminal.Cell {
	n := 1
	for n < len(cells) && cells[n].Text == cells[0].Text {
		n++
	}
	return cells[n:]
}

// word writes text. Its length is given, so that a font of another width does not move it.
func (p *printer) word(x, y int, cells []terminal.Cell, l look) {
	var text strings.Builder
	for _, c := range cells {
		text.WriteString(c.Text)
	}
	fmt.Fprintf(&p.text, `<text x="%d" y="%d" %s`, x*cellWidth, y*cellHeight+baseline, fill(l.fg, l.opacity))
	if utf8.RuneCountInString(text.String()) > 1 {
		fmt.Fprintf(&p.text, ` textLength="%d" lengthAdjust="spacingAndGlyphs"`, len(cells)*cellWidth)
	}
	if l.bold {
		p.text.WriteString(` font-weight="bold"`)
	}
	if l.italic {
		p.text.WriteString(` font-style="italic"`)
	}
	fmt.Fprintf(&p.text, ">%s</text>\n", html.EscapeString(text.String()))
}

// add adds to the path of a layer: a digit for its place, and attributes.
func (p *printer) add(layer, path string) {
	if p.shapes[layer] == nil {
		p.shapes[layer] = &strings.Builder{}
	}
	p.shapes[layer].WriteString(path)
}

func rect(x, y, width, height int) string {
	return fmt.Sprintf("M%d %dh%dv%dh-%dz", x, y, width, height, width)
}

// fill returns the attributes of a colour.
func fill(c color.Color, opacity string) string {
	if opacity != "" {
		return fmt.Sprintf(`fill="%s" fill-opacity="%s"`, hex(c), opacity)
	}
	return fmt.Sprintf(`fill="%s"`, hex(c))
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
