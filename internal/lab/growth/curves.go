package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The layout of a picture, in pixels.
const (
	width, height            = 640, 360
	left, right, top, bottom = 64, 150, 36, 44 // around the axes
	fontSize                 = 12
)

// Colours that can be read on white and on black: a picture has no background.
const ink = "#7d8590"

var pens = []string{"#2f81f7", "#c78100", "#2ea043", "#d15fa5"}

// svg returns a chart as a picture, both axes logarithmic. It is a function of the chart alone.
func (c *chart) svg() string {
	p := newPlot(c)
	fmt.Fprintf(&p.out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="%d">`+"\n",
		width, height, fontSize)
	fmt.Fprintf(&p.out, `<text x="%d" y="20" fill="%s" font-weight="bold">%s</text>`+"\n", left, ink, html.EscapeString(c.title))
	p.grid()
	for i := range c.lines {
		p.line(i, &c.lines[i])
	}
	p.out.WriteString("</svg>\n")
	return p.out.String()
}

// plot is a picture on its way.
type plot struct {
	x, y scale
	out  strings.Builder
}

// scale has the powers of ten between which an axis goes.
type scale struct {
	low, high int
	from, to  float64 // pixels
}

func (s scale) at(value float64) float64 {
	return s.from + (math.Log10(value)-float64(s.low))/float64(s.high-s.low)*(s.to-s.from)
}

// include makes room for a value.
func (s *scale) include(value float64) {
	s.low = min(s.low, int(math.Floor(math.Log10(value))))
	s.high = max(s.high, int(math.Ceil(math.Log10(value))))
}

func newPlot(c *chart) *plot {
	p := &plot{
		x: scale{math.MaxInt, math.MinInt, left, width - right},
		y: scale{math.MaxInt, math.MinInt, height - bottom, top},
	}
	for _, line := range c.lines {
		for _, at := range line.points {
			p.x.include(at.size)
			p.y.include(at.cost)
		}
	}
	p.x.high, p.y.high = max(p.x.high, p.x.low+1), max(p.y.high, p.y.low+1)
	return p
}

// grid draws a line and its number at each power of ten.
func (p *plot) grid() {
	for n := p.x.low; n <= p.x.high; n++ {
		x := p.x.at(math.Pow10(n))
		p.rule(x, top, x, height-bottom)
		p.text(x, height-bottom+18, "middle", ink, power(n))
	}
	for n := p.y.low; n <= p.y.high; n++ {
		y := p.y.at(math.Pow10(n))
		p.rule(left, y, width-right, y)
		p.text(left-8, y+4, "end", ink, power(n))
	}
	p.text((left+width-right)/2, height-8, "middle", ink, "how many")
}

func (p *plot) rule(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&p.out, `<path d="M%.1f %.1fL%.1f %.1f" stroke="%s" stroke-opacity=".35"/>`+"\n", x1, y1, x2, y2, ink)
}

func (p *plot) text(x, y float64, anchor, color, text string) {
	fmt.Fprintf(&p.out, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, html.EscapeString(text))
}

// line draws a series, and its name and exponent beside the axes.
func (p *plot) line(i int, s *series) {
	pen := pens[i%len(pens)]
	var path, dots strings.Builder
	for n, at := range s.points {
		command := "L"
		if n == 0 {
			command = "M"
		}
		x, y := p.x.at(at.size), p.y.at(at.cost)
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x, y)
		fmt.Fprintf(&dots, "M%.1f %.1fh0", x, y)
	}
	fmt.Fprintf(&p.out, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", &path, pen)
	fmt.Fprintf(&p.out, `<path d="%s" stroke="%s" stroke-width="6" stroke-linecap="round"/>`+"\n", &dots, pen)
	p.text(width-right+12, float64(top+14+i*20), "start", pen, fmt.Sprintf("%s: n^%.2f", s.name, exponent(s.points)))
}

// power returns a power of ten as one reads it: 0.01, 10, 100k.
func power(n int) string {
	switch {
	case n < 0:
		return fmt.Sprintf("%.*f", -n, math.Pow10(n))
	case n >= 6:
		return fmt.Sprintf("%.0fM", math.Pow10(n-6))
	case n >= 3:
		return fmt.Sprintf("%.0fk", math.Pow10(n-3))
	default:
		return fmt.Sprintf("%.0f", math.Pow10(n))
	}
}
