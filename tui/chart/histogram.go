package chart

import (
	"strings"

	"github.com/NimbleMarkets/ntcharts/v2/canvas/runes"
	"github.com/charmbracelet/x/ansi"
)

// Bar is a line of a histogram.
type Bar struct {
	Label string // printable; too long a label is cut
	Count int
}

// Histogram is horizontal bars: of lifetimes or ages, from the shortest on.
type Histogram struct {
	Bars                       []Bar
	BarPen, LabelPen, CountPen Pen
}

// Lines returns the bars in height lines of width cells: the label, the bar, and the count at
// the right. If there are more bars than lines, the last line has the sum of the rest.
func (h *Histogram) Lines(width, height int) []string {
	width = max(width, 0)
	lines := make([]string, max(height, 0))
	bars := fold(h.Bars, len(lines))
	labels, counts, top := measure(bars)
	labels = min(labels, width/3)
	for y := range lines {
		if y >= len(bars) {
			lines[y] = strings.Repeat(" ", width)
			continue
		}
		lines[y] = h.line(&bars[y], labels, counts, width, top)
	}
	return lines
}

func (h *Histogram) line(bar *Bar, labels, counts, width, top int) string {
	const eighths = 8
	room := width - labels - counts - 2
	if room < 1 {
		return h.narrow(bar, labels, width)
	}
	length := scaled(share(bar.Count, top), room, eighths)
	text := strings.Repeat("█", int(length))
	cells := int(length)
	if char := runes.LeftBlockElementFromFloat64(length - float64(cells)); char != runes.Null {
		text += string(char)
		cells++
	}
	return h.LabelPen.Write(left(bar.Label, labels)) + " " + h.BarPen.Write(text) +
		strings.Repeat(" ", room-cells+1) + h.CountPen.Write(right(grouped(bar.Count), counts))
}

// narrow returns a line without a bar.
func (h *Histogram) narrow(bar *Bar, labels, width int) string {
	count := grouped(bar.Count)
	if room := width - labels; len(count) < room {
		return h.LabelPen.Write(left(bar.Label, labels)) + h.CountPen.Write(right(count, room))
	}
	if len(count) <= width {
		return h.CountPen.Write(right(count, width))
	}
	return strings.Repeat(" ", width)
}

// fold returns at most height bars, the last of them the sum of those that have no line.
func fold(bars []Bar, height int) []Bar {
	if len(bars) <= height || height == 0 {
		return bars
	}
	rest := 0
	for _, bar := range bars[height-1:] {
		rest += max(bar.Count, 0)
	}
	return append(bars[:height-1:height-1], Bar{"others", rest})
}

// measure returns the width of labels and counts, and the greatest count.
func measure(bars []Bar) (labels, counts, top int) {
	for i := range bars {
		labels = max(labels, ansi.StringWidthWc(bars[i].Label))
		counts = max(counts, len(grouped(bars[i].Count)))
		top = max(top, bars[i].Count)
	}
	return labels, counts, top
}

// left returns text in exactly width cells.
func left(text string, width int) string {
	text = ansi.TruncateWc(text, width, "…")
	return text + strings.Repeat(" ", max(width-ansi.StringWidthWc(text), 0))
}
