package tui

import (
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

var bars = []rune("▁▂▃▄▅▆▇█")

// sparkline returns the newest values, one per cell with the newest at the right, as
// heights relative to the greatest. Only 0 is blank.
func sparkline(values []uint32, width int) string {
	width = max(width, 0)
	values = values[max(len(values)-width, 0):]
	var top uint32
	for _, v := range values {
		top = max(top, v)
	}
	var out strings.Builder
	out.WriteString(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		out.WriteRune(bar(v, top))
	}
	return out.String()
}

func bar(v, top uint32) rune {
	if v == 0 {
		return ' '
	}
	return bars[uint64(v-1)*uint64(len(bars))/uint64(top)]
}

func openCounts(points []snapshot.Point) []uint32 {
	values := make([]uint32, len(points))
	for i, p := range points {
		values[i] = p.Opens
	}
	return values
}

func closeCounts(points []snapshot.Point) []uint32 {
	values := make([]uint32, len(points))
	for i, p := range points {
		values[i] = p.Closes
	}
	return values
}

func failureCounts(points []snapshot.Point) []uint32 {
	values := make([]uint32, len(points))
	for i, p := range points {
		values[i] = p.Failures
	}
	return values
}
