package tui

import (
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func (s *spaces) newColumns(withNetns bool) []column[snapshot.PortSpace] {
	type row = snapshot.PortSpace
	formatted := func(format func(*row, int) string) func(string, string, int, int, func(*row) int) column[row] {
		return func(name, title string, rank, width int, value func(*row) int) column[row] {
			return column[row]{
				name: name, title: title, rank: rank, min: width,
				cell: func(r *row, _ int) string { return format(r, value(r)) },
			}
		}
	}
	number, state := formatted(phrase.Ports), formatted(phrase.StatePorts)
	columns := []column[row]{
		{name: "taken", title: "USED %", rank: 1, min: 8, max: 16, left: true, cell: gauge, tone: s.pressure},
		{name: "space", title: "FROM → TO", min: 25, max: 56, left: true, rising: true, cell: spaceName},
	}
	if withNetns {
		columns = append(columns, column[row]{
			name: "netns", title: "NETNS", rank: 8, min: 10, max: 16, left: true, rising: true,
			cell: func(r *row, _ int) string { return phrase.NetnsState(r.NetnsName, r.Netns, r.NetnsGone) },
		})
	}
	return append(columns,
		column[row]{name: "in_use", title: "PORTS", rank: 2, min: 13, cell: inUse},
		state("time_wait", "TIME_WAIT", 3, 10, func(r *row) int { return r.TimeWait }),
		column[row]{name: "exhausted", title: "FAIL", rank: 5, min: 7, cell: func(r *row, _ int) string { return phrase.Count(s.failed(r).calls) }, tone: s.exhausting},
		column[row]{name: "eta", title: "FULL", rank: 4, min: 8, max: 18, rising: true, cell: eta, tone: s.pressure},
		column[row]{name: "wanted", title: "WANTED/MAX", rank: 6, min: 12, cell: wantedOfMax},
		state("live", "LIVE", 9, 7, func(r *row) int { return r.Live }),
		number("bound", "BOUND", 10, 7, func(r *row) int { return r.Bound }),
		column[row]{name: "headroom", title: "LEFT", rank: 11, min: 9, rising: true, cell: headroom},
		column[row]{title: "HELD BY", rank: 7, min: 16, max: 32, left: true, cell: topHolderName},
		number("peak", "PEAK", 12, 7, func(r *row) int { return r.Peak }),
		column[row]{
			name: "kind", title: "KIND", rank: 13, min: 8, left: true, rising: true,
			cell: func(r *row, _ int) string { return string(r.Kind) },
		},
	)
}

func (s *spaces) pressure(row *snapshot.PortSpace) tone { return pressure(row, s.snapshot.Wall) }

// exhausting returns the tone of the failures: they happen now, or they are past.
func (s *spaces) exhausting(row *snapshot.PortSpace) tone {
	if row.ExhaustedRecently(s.snapshot.Wall) || s.failed(row).rate > 0 {
		return fail
	}
	return plain
}

func inUse(s *snapshot.PortSpace, _ int) string {
	return phrase.Ports(s, s.InUse()) + "/" + phrase.Capacity(s)
}

func headroom(s *snapshot.PortSpace, _ int) string {
	return phrase.Ports(s, s.Headroom())
}

// eta returns when a space will be full, with the interval if there is room.
func eta(s *snapshot.PortSpace, width int) string {
	forecast := s.Outlook()
	if text := phrase.Forecast(&forecast); cells(text) <= width {
		return text
	}
	return phrase.When(&forecast)
}

// wantedOfMax returns the rate of the calls that want a port, and the sustainable one.
func wantedOfMax(s *snapshot.PortSpace, _ int) string {
	return phrase.Rate(s.Wanted) + "/" + phrase.Sustainable(s)
}

func topHolderName(s *snapshot.PortSpace, width int) string {
	if programs, _ := s.HoldersByProgram(); len(programs) > 0 {
		return holderName(&programs[0], width)
	}
	return phrase.Unknown
}
