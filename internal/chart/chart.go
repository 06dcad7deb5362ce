// Package chart draws numbers as SVG that has no colours of its own: what is drawn has the class of
// its role, and the page that shows it has the style. It alone knows the library that draws.
package chart

import (
	"bytes"
	"errors"
	"math"
	"strings"

	"github.com/go-analyze/charts/chartdraw"
)

// Role is what a part of a chart stands for: the class of what is drawn.
type Role string

// The numbered ones are of things that are compared.
const (
	One      Role = "one"
	Two      Role = "two"
	Three    Role = "three"
	Four     Role = "four"
	Five     Role = "five"
	Bad      Role = "bad"      // what failed
	Limit    Role = "limit"    // what cannot be exceeded
	Forecast Role = "forecast" // what has not happened yet
	Counted  Role = "counted"  // bars
)

// Numbered are the roles of things that are compared, in order.
var Numbered = []Role{One, Two, Three, Four, Five}

// Chart is numbers to be drawn over one axis. Both axes reach from the first to the last of their ticks.
type Chart struct {
	Lines  []Line
	Bands  []Band
	Bars   []float64 // the first is at 0 of the X axis, the next at 1
	X, Y   []Tick
	Height int // 0: that of most
}

// Tick is a mark of an axis. It may have no label.
type Tick struct {
	At    float64
	Label string
}

// Line is values one after the other. Where one is not a number there is no line.
type Line struct {
	Name   string
	Role   Role
	X, Y   []float64
	Area   bool // down to zero
	Dashed bool
	Dots   bool // no line, but a dot for each value
}

// Band is the room between two lines.
type Band struct {
	Name         string
	Role         Role
	X, Low, High []float64
}

// Width and Height are the size of a chart in its own units. Its text is legible at three quarters
// of that, on a telephone.
const (
	Width  = 460
	Height = 210
)

var errEmpty = errors.New("a chart without axes or values")

// SVG returns the picture as an element to be put into a page.
func (c *Chart) SVG() (string, error) {
	series := c.series()
	if len(series) == 0 || len(c.X) < 2 || len(c.Y) < 2 {
		return "", errEmpty
	}
	var out bytes.Buffer
	if err := c.picture(series).Render(chartdraw.SVG, &out); err != nil {
		return "", err
	}
	// The element of the library declares namespaces, which a page does not need.
	_, body, found := strings.Cut(out.String(), ">")
	if !found {
		return "", errEmpty
	}
	return c.open() + body, nil
}

// series returns all that is drawn, what lies below first.
func (c *Chart) series() (list []chartdraw.Series) {
	for i := range c.Bands {
		list = append(list, band{&c.Bands[i]})
	}
	if len(c.Bars) > 0 {
		list = append(list, bars(c.Bars))
	}
	for i := range c.Lines {
		list = append(list, c.Lines[i].runs()...)
	}
	return list
}

// runs returns the parts of a line between values that are not known.
func (l *Line) runs() (list []chartdraw.Series) {
	for begin := 0; begin < len(l.X); {
		end := begin
		for end < len(l.X) && !math.IsNaN(l.Y[end]) {
			end++
		}
		if end > begin {
			list = append(list, chartdraw.ContinuousSeries{
				Name: l.Name, Style: l.style(), YAxis: chartdraw.YAxisSecondary, XValues: l.X[begin:end], YValues: l.Y[begin:end],
			})
		}
		begin = end + 1
	}
	return list
}
