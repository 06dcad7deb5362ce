package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// holderColumns are the columns of holders: their ports by state. isOther reports whether
// a row is the sum of the rest.
func holderColumns(isOther func(*snapshot.Holder) bool) []column[snapshot.Holder] {
	type row = snapshot.Holder
	number := func(title string, rank, width int, value func(*row) int) column[row] {
		return column[row]{title: title, rank: rank, min: width, cell: func(h *row, _ int) string { return phrase.Count(value(h)) }}
	}
	return []column[row]{
		{title: "PROCESS", min: 21, max: 40, left: true, cell: func(h *row, width int) string {
			if isOther(h) {
				return "(others)"
			}
			return holderName(h, width)
		}},
		number("PORTS", 1, 8, (*row).Ports),
		number("LIVE", 3, 7, func(h *row) int { return h.Live }),
		number("CLOSE_WAIT", 5, 11, func(h *row) int { return h.CloseWait }),
		number("TIME_WAIT", 2, 10, func(h *row) int { return h.TimeWait }),
		number("BOUND", 4, 7, func(h *row) int { return h.Bound }),
		{title: "WHICH PORTS", rank: 6, min: 14, max: 34, left: true, cell: func(h *row, _ int) string { return which(h.Held) }},
		number("BEFORE START", 8, 13, func(h *row) int { return h.Before }),
		groupColumn(7, func(h *row) *event.Process { return &h.Proc }),
	}
}

// which returns the ports of a holder as ranges, and whether the program chose them.
func which(held *snapshot.HeldPorts) string {
	if held == nil {
		return ""
	}
	var parts []string
	bound, ports := 0, 0
	for _, r := range held.Ranges {
		text := strconv.Itoa(int(r.Low))
		if r.High != r.Low {
			text += "-" + strconv.Itoa(int(r.High))
		}
		parts = append(parts, text)
		bound, ports = bound+r.Bound, ports+r.Ports
	}
	if held.Rest.Ports > 0 && len(parts) > 0 {
		parts = append(parts, "+"+phrase.Count(held.Rest.Ports)+" more")
	} else if held.Rest.Ports > 0 {
		parts = append(parts, "spread")
	}
	if bound > 0 && bound == ports {
		parts = append(parts, "chosen by bind()")
	}
	return strings.Join(parts, " ")
}

func victimColumns(now time.Time) []column[snapshot.Victim] {
	type row = snapshot.Victim
	return []column[row]{
		{title: "PROCESS", min: 21, max: 40, left: true, cell: func(v *row, width int) string {
			return process(v.Proc.ID, v.Proc.Comm, width)
		}},
		{title: "FAIL", rank: 1, min: 8, cell: func(v *row, _ int) string { return phrase.Count(v.Failures) }},
		{title: "LAST", rank: 2, min: 10, cell: func(v *row, _ int) string { return phrase.Ago(now, v.Last) }},
		groupColumn(3, func(v *row) *event.Process { return &v.Proc }),
	}
}

// groupColumn is the column of the container, unit or cgroup of a process.
func groupColumn[T any](rank int, of func(*T) *event.Process) column[T] {
	return column[T]{
		title: "CONTAINER/UNIT", rank: rank, min: 16, max: 40, left: true,
		cell: func(row *T, _ int) string { return printable.String(snapshot.Group(of(row))) },
	}
}
