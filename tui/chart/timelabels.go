package chart

import (
	"strconv"
	"time"
	"unicode/utf8"
)

const cursorGlyph = "▲"

// timeLabel is a text in the line of time, from cell x of the sheet on.
type timeLabel struct {
	x    int
	text string
}

// end returns the cell after the text.
func (l timeLabel) end() int { return l.x + utf8.RuneCountInString(l.text) }

// timeLine are the labels of a curve.
type timeLine struct {
	*curve
	labels []timeLabel
}

// timeLabels returns the labels that fit, without one touching another: the most important
// ones first.
func (c *curve) timeLabels() []timeLabel {
	line := timeLine{curve: c}
	if !c.Cursor.IsZero() && !c.Cursor.Before(c.start) && c.Cursor.Before(c.at(c.width)) {
		line.place(c.left+c.column(c.Cursor), cursorGlyph)
	}
	now := c.nowLabel()
	line.place(max(c.left+c.past-len(now), c.left), now)
	line.ahead()
	line.ticks()
	return line.labels
}

// at returns the moment at which a column of the plot begins.
func (c *curve) at(x int) time.Time { return c.start.Add(time.Duration(x) * c.step) }

// column returns the column of a moment.
func (c *curve) column(t time.Time) int { return int(t.Sub(c.start) / c.step) }

// place adds a label if it lies in the plot and a cell away from the others.
func (l *timeLine) place(x int, text string) bool {
	label := timeLabel{x, text}
	if x < l.left || label.end() > l.sheet.width {
		return false
	}
	for _, other := range l.labels {
		if label.x <= other.end() && other.x <= label.end() {
			return false
		}
	}
	l.labels = append(l.labels, label)
	return true
}

// ahead adds when the space is full, or if that is not in sight the end of the axis.
func (l *timeLine) ahead() {
	if l.past >= l.width {
		return
	}
	if f := l.Forecast; f != nil && f.ETA >= 0 && f.ETA < l.at(l.width).Sub(l.Now) {
		text := l.aheadLabel(f.ETA)
		l.place(min(l.left+l.column(l.Now.Add(f.ETA)), l.sheet.width-len(text)), text)
		return
	}
	text := l.aheadLabel(l.at(l.width).Sub(l.at(l.past)))
	l.place(l.sheet.width-len(text), text)
}

// tickSteps are the distances that labels of the past can have.
var tickSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// ticks adds moments of the past at round distances from now, or round times of the day. Each
// begins at its column.
func (l *timeLine) ticks() {
	const room = 14 // cells for a label and its gap
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if time.Duration(l.past)*l.step/s*room <= time.Duration(l.past) {
			step = s
			break
		}
	}
	tick := l.at(l.past).Add(-step) // not from Now, or labels would move with it within a column
	if l.Clock {
		_, offset := l.Now.Zone()
		zone := time.Duration(offset) * time.Second
		tick = l.Now.Add(zone).Truncate(step).Add(-zone)
	}
	for range l.past {
		if tick.Before(l.start) && l.start.Sub(tick) >= l.step {
			return
		}
		l.place(max(l.left, l.left+l.column(tick)), l.pastLabel(tick))
		tick = tick.Add(-step)
	}
}

func (c *curve) nowLabel() string {
	if c.Clock {
		return c.clock(c.Now)
	}
	return "now"
}

func (c *curve) pastLabel(t time.Time) string {
	if c.Clock {
		return c.clock(t)
	}
	return rounded(c.at(c.past).Sub(t)) + " ago"
}

func (c *curve) aheadLabel(after time.Duration) string {
	if c.Clock {
		return c.clock(c.Now.Add(after))
	}
	return "in " + rounded(after)
}

// clock returns the time of day, with seconds if the window is short.
func (c *curve) clock(t time.Time) string {
	t = t.In(c.Now.Location())
	if c.Now.Sub(c.From) > 3*time.Hour {
		return t.Format("15:04")
	}
	return t.Format(time.TimeOnly)
}

// rounded returns a time in one unit: 31 s, 2 min, 1.5 min, 3 h.
func rounded(d time.Duration) string {
	units := []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}}
	for _, u := range units {
		if d < u.unit {
			continue
		}
		tenths := int64(d / (u.unit / 10))
		if tenths >= 100 || tenths%10 == 0 {
			return strconv.FormatInt(tenths/10, 10) + " " + u.name
		}
		return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + " " + u.name
	}
	return strconv.FormatInt(int64(max(d, 0)/time.Second), 10) + " s"
}
