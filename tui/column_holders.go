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

// holderRow is a program that holds ports, and which.
type holderRow struct {
	snapshot.ProgramHolder
	held *snapshot.HeldPorts
	rest bool // it is the sum of the others
}

// holderRows returns the programs that hold ports of a space.
func holderRows(s *snapshot.PortSpace) []holderRow {
	programs, others := s.HoldersByProgram()
	var rows []holderRow
	for i := range programs {
		rows = append(rows, holderRow{ProgramHolder: programs[i], held: heldBy(s, &programs[i])})
	}
	if others.Ports() > 0 {
		rows = append(rows, holderRow{ProgramHolder: snapshot.ProgramHolder{Holder: others}, rest: true})
	}
	return rows
}

// heldBy returns the ports of the processes of a program, as far as they are listed.
func heldBy(s *snapshot.PortSpace, h *snapshot.ProgramHolder) *snapshot.HeldPorts {
	var sum *snapshot.HeldPorts
	for i := range s.Holders {
		one := &s.Holders[i]
		if one.Held == nil || snapshot.ProgramOf(&one.Proc) != h.Program.ProgramKey {
			continue
		}
		if sum == nil {
			sum = &snapshot.HeldPorts{}
		}
		sum.Ranges = append(sum.Ranges, one.Held.Ranges...)
		sum.Rest.Ports += one.Held.Rest.Ports
	}
	return sum
}

// holderColumns are the columns of holders: their ports by state.
func holderColumns() []column[holderRow] {
	type row = holderRow
	number := func(title string, rank, width int, value func(*row) int) column[row] {
		return column[row]{title: title, rank: rank, min: width, cell: func(h *row, _ int) string { return phrase.Count(value(h)) }}
	}
	return []column[row]{
		{title: "HELD BY", min: 21, max: 40, left: true, cell: func(h *row, width int) string {
			if h.rest {
				return "(others)"
			}
			return holderName(&h.ProgramHolder, width)
		}},
		number("PORTS", 1, 8, func(h *row) int { return h.Ports() }),
		number("LIVE", 3, 7, func(h *row) int { return h.Live }),
		number("CLOSE_WAIT", 5, 11, func(h *row) int { return h.CloseWait }),
		number("TIME_WAIT", 2, 10, func(h *row) int { return h.TimeWait }),
		number("BOUND", 4, 7, func(h *row) int { return h.Bound }),
		{title: "WHICH PORTS", rank: 6, min: 14, max: 34, left: true, cell: func(h *row, _ int) string { return which(h.held) }},
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

func victimColumns(now time.Time) []column[snapshot.ProgramVictim] {
	type row = snapshot.ProgramVictim
	return []column[row]{
		{title: "WITHOUT A PORT", min: 21, max: 40, left: true, cell: func(v *row, width int) string { return programName(&v.Program, width) }},
		{title: "FAIL", rank: 1, min: 8, cell: func(v *row, _ int) string { return phrase.Count(v.Failures) }},
		{title: "RATE", rank: 3, min: 6, cell: func(v *row, _ int) string { return phrase.Rate(v.Rate) }},
		{title: "LAST", rank: 2, min: 10, cell: func(v *row, _ int) string { return phrase.Ago(now, v.Last) }},
		groupColumn(4, func(v *row) *event.Process { return &v.Proc }),
	}
}

// groupColumn is the column of the container, unit or cgroup of a process.
func groupColumn[T any](rank int, of func(*T) *event.Process) column[T] {
	return column[T]{
		title: "CONTAINER/UNIT", rank: rank, min: 16, max: 40, left: true,
		cell: func(row *T, _ int) string { return printable.String(snapshot.Group(of(row))) },
	}
}
