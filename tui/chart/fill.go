package chart

import (
	"math"
	"strconv"
	"time"

	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
)

// Sample is how full a port space was at one moment.
type Sample struct {
	At       time.Time
	InUse    int // ports; negative: not known from here on
	TimeWait int // of InUse, in TIME_WAIT
	Reusable int // of TimeWait, those that the next call could have by tcp_tw_reuse
	Failures int // calls that found no port since the sample before
	// Capacity is that of the moment if the range or what is reserved has changed since; 0:
	// Fill.Capacity.
	Capacity int
}

// taken returns the ports that the next call could not have.
func (s *Sample) taken() int { return s.InUse - max(s.Reusable, 0) }

// Forecast is when a space will be full, from Fill.Now on. A negative time is never.
type Forecast struct {
	ETA       time.Duration
	Low, High time.Duration // the band; Low <= ETA <= High, but for never
}

// Fill is the curve of how full a port space was, as an area: what is open, above it what is in
// TIME_WAIT, and above that what of it can be reused; with failures as × at the top, and a
// forecast as a dashed line with its band to the right of now, from what is taken on. A level holds until the next sample; the peak of a column is drawn, so
// that a space that was full for a second shows.
type Fill struct {
	Samples  []Sample // in the order of time
	Capacity int      // ports; 0: not known, and no curve is drawn
	From     time.Time
	Now      time.Time // the right end of the curve
	// Ahead is the time right of now that has room. It should stay the same from frame to
	// frame: the scale of time depends on it. A forecast with Ahead 0 gets a third of the past.
	Ahead     time.Duration
	Threshold float64 // a share of the capacity, drawn as a line; 0: none
	Forecast  *Forecast
	Cursor    time.Time // a mark in the line of time; zero: none
	Ports     bool      // the y axis counts ports, else percent
	Clock     bool      // the x axis has the time of day, in the location of Now
	Braille   bool      // two columns and four levels a cell, else one and eight
	Palette   *Palette
}

// curve is a Fill being drawn.
type curve struct {
	*Fill
	sheet *sheet
	pal   *Palette
	left  int // the first column of the plot
	rows  int // of the plot
	past  int // columns up to now
	width int // columns of the plot
	// A column of the past is step long; the first one begins at start.
	start time.Time
	step  time.Duration
}

const (
	axisWidth     = 16 // cells from which on there is a y axis
	longestWindow = 10 * 365 * 24 * time.Hour
)

// Lines returns the chart in height lines of width cells. From three lines on the last one is
// the line of time.
func (f *Fill) Lines(width, height int) []string {
	c := curve{Fill: f, sheet: newSheet(width, height), pal: f.Palette}
	if c.pal == nil {
		c.pal = &Palette{}
	}
	c.rows = c.sheet.height
	if c.rows >= 3 {
		c.rows--
	}
	if c.sheet.width >= axisWidth && c.rows < c.sheet.height {
		c.left = c.axis()
	}
	c.width = c.sheet.width - c.left
	if c.width <= 0 || c.rows <= 0 {
		return c.sheet.lines()
	}
	c.scale()
	columns := c.columns()
	c.area(columns)
	c.forecast(columns)
	c.threshold()
	c.failures(columns)
	if c.rows < c.sheet.height {
		c.timeLine()
	}
	return c.sheet.lines()
}

func (c *curve) axis() int {
	return yAxis(c.sheet, c.rows, 1, c.label, &c.pal.Axis, &c.pal.Label)
}

// label returns the label of a share of the capacity.
func (c *curve) label(share float64) string {
	switch {
	case c.Ports && c.Capacity >= 1e6: // more than ports: a label has little room
		return short(share * float64(c.Capacity))
	case c.Ports && c.Capacity > 0:
		return grouped(int(math.Round(share * float64(c.Capacity))))
	}
	return strconv.Itoa(int(math.Round(share*100))) + "%"
}

// scale divides the plot between past and future. Columns begin at multiples of their length,
// so that a live curve moves by whole columns and keeps its shape.
func (c *curve) scale() {
	window := min(max(c.Now.Sub(c.From), time.Millisecond), longestWindow)
	ahead := max(c.Ahead, 0)
	if c.Forecast != nil && ahead == 0 {
		ahead = window / 3
	}
	c.past = c.width
	if ahead > 0 {
		ahead = min(ahead, 2*window) // the past keeps a third
		c.past = max(int(float64(c.width)*float64(window)/float64(window+ahead)), 1)
	}
	c.step = max((window+time.Duration(c.past)-1)/time.Duration(c.past), time.Microsecond)
	end := c.Now.Truncate(c.step)
	if end.Before(c.Now) {
		end = end.Add(c.step)
	}
	c.start = end.Add(-time.Duration(c.past) * c.step)
}

// column is the curve in one column: shares of the capacity.
type column struct {
	known  bool
	inUse  float64
	taken  float64
	open   float64
	failed bool
}

// per returns the columns of the curve in one cell.
func (c *curve) per() int {
	if c.Braille {
		return 2
	}
	return 1
}

// columns returns the peak in each column of the past.
func (c *curve) columns() []column {
	columns := make([]column, c.past*c.per())
	step := c.step / time.Duration(c.per())
	var level *Sample // that holds
	next := 0
	for i := range columns {
		end := c.start.Add(time.Duration(i+1) * step)
		peak := level
		if begin := end.Add(-step); begin.After(c.Now) {
			peak = nil
		}
		for ; next < len(c.Samples); next++ {
			sample := &c.Samples[next]
			if !sample.At.Before(end) || sample.At.After(c.Now) {
				break
			}
			before := level
			level = sample
			if i == 0 && sample.At.Before(c.start) {
				peak = sample
				continue
			}
			if peak == nil || sample.taken() >= peak.taken() {
				peak = sample
			}
			if sample.Failures > 0 {
				c.mark(columns[:i+1], before)
			}
		}
		columns[i].set(peak, c.Capacity)
	}
	return columns
}

// mark notes that calls failed in the last of columns, and if they did in the sample before,
// in all columns since then: where samples are fewer than columns the marks have no gaps.
func (c *curve) mark(columns []column, before *Sample) {
	step := c.step / time.Duration(c.per())
	last := len(columns) - 1
	columns[last].failed = true
	if before == nil || before.Failures <= 0 {
		return
	}
	for i := last - 1; i >= 0; i-- {
		if columns[i].failed || c.start.Add(time.Duration(i)*step).Before(before.At) {
			return
		}
		columns[i].failed = true
	}
}

func (c *column) set(sample *Sample, capacity int) {
	if sample == nil || sample.InUse < 0 {
		return
	}
	if sample.Capacity > 0 {
		capacity = sample.Capacity
	}
	if capacity <= 0 {
		return
	}
	c.known = true
	c.inUse = share(sample.InUse, capacity)
	c.taken = share(sample.taken(), capacity)
	c.open = min(share(sample.InUse-max(sample.TimeWait, 0), capacity), c.taken)
}

// threshold draws a dashed line where nothing else is, with its label if the row has none.
func (c *curve) threshold() {
	level := finite(c.Threshold)
	if level == 0 || level >= 1 {
		return
	}
	y := c.rowOf(level)
	if text := c.label(level); c.left > len(text) && c.sheet.blank(c.left-2, y) {
		c.sheet.text(c.left-1-len(text), y, text, &c.pal.Threshold)
		c.sheet.set(c.left-1, y, '┤', &c.pal.Axis)
	}
	for x := c.left; x < c.sheet.width; x++ {
		if c.sheet.blank(x, y) {
			c.sheet.set(x, y, '╌', &c.pal.Threshold)
		}
	}
}

// failures marks the columns in which calls failed.
func (c *curve) failures(columns []column) {
	for i := range columns {
		if columns[i].failed {
			c.sheet.set(c.left+i/c.per(), 0, '×', &c.pal.Failure)
		}
	}
}

// timeLine draws the x axis with its labels in it.
func (c *curve) timeLine() {
	for x := c.left; x < c.sheet.width; x++ {
		char := rune(runes.LineHorizontal)
		if x >= c.left+c.past {
			char = '╌'
		}
		c.sheet.set(x, c.rows, char, &c.pal.Axis)
	}
	for _, label := range c.timeLabels() {
		pen := &c.pal.Label
		if label.text == cursorGlyph {
			pen = &c.pal.Now
		}
		c.sheet.text(label.x, c.rows, label.text, pen)
	}
}
