package tui

import (
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// banner returns the line of the worst port space, with its holder and its victim; nil if
// none is at risk.
func banner(s *snapshot.Snapshot) []piece {
	space, others := s.WorstSpace()
	if space == nil {
		return nil
	}
	level, name := pressure(space, s.Wall), spaceName(space, 2*maxName)
	in := ""
	if space.NetnsName != "" && space.NetnsName != "host" {
		in = " in " + printable.String(space.NetnsName)
	}
	pieces := []piece{
		{tone: level, forms: phrase.Status(space, s.Wall)},
		{tone: strong, rank: 1, forms: []string{name + in, name}},
	}
	if demand := phrase.Demand(space); demand != nil {
		pieces = append(pieces, piece{rank: 6, forms: demand})
	}
	if h := topHolder(space); h != nil {
		pieces = append(pieces, piece{rank: 3, forms: holding(h, space)})
	}
	pieces = append(pieces, starving(space)...)
	if others > 0 {
		n := phrase.Count(others)
		pieces = append(pieces, piece{rank: 5, comma: true, forms: []string{n + " more at risk", n + " more"}})
	}
	return pieces
}

// holding returns how many of the ports a process holds, in forms.
func holding(h *snapshot.Holder, s *snapshot.PortSpace) []string {
	name := holderName(h, maxName)
	some := name + " holds " + phrase.Count(h.Ports())
	return []string{some + " of " + phrase.Capacity(s) + " ports", some, name}
}

// starving returns the process that gets no port, unless it is the one that holds most.
func starving(s *snapshot.PortSpace) []piece {
	if len(s.Victims) == 0 {
		return nil
	}
	victim := &s.Victims[0].Proc
	if h := topHolder(s); h != nil && h.Proc.ID == victim.ID {
		return nil
	}
	return []piece{{rank: 4, comma: true, forms: []string{
		process(victim.ID, victim.Comm, maxName) + " gets none", phrase.Command(victim.ID, victim.Comm) + " gets none",
	}}}
}
