package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// banner names the port space that is full or nearly so, with who fills it and when it is
// full; nothing where all is well.
func banner(s *snapshot.Snapshot) []piece {
	space, others := s.Tightest()
	if space == nil {
		return nil
	}
	level, name := pressure(space, s.Wall), spaceName(space, 2*maxName)
	where := ""
	if space.NetnsName != "" && space.NetnsName != "host" {
		where = " in " + printable.String(space.NetnsName)
	}
	pieces := []piece{
		{tone: level, forms: fullness(space, s.Wall)},
		{tone: strong, rank: 1, forms: []string{name + where, name}},
	}
	if h := culprit(space); h != nil {
		pieces = append(pieces, piece{rank: 3, forms: holding(h, space)})
	}
	pieces = append(pieces, starving(space)...)
	if others > 0 {
		pieces = append(pieces, piece{rank: 2, comma: true, forms: []string{count(others) + " more"}})
	}
	return pieces
}

// fullness is for how long the space has been full, or how full it is and when it will be,
// in less and less room.
func fullness(s *snapshot.PortSpace, now time.Time) []string {
	taken, forecast := percentTaken(s)+" taken", s.Outlook()
	switch {
	case s.IsFull() && s.FullBefore:
		return []string{"FULL for over " + elapsed(now.Sub(s.Full)), "FULL"}
	case s.IsFull() && !s.Full.IsZero():
		return []string{"FULL for " + elapsed(now.Sub(s.Full)), "FULL"}
	case s.IsFull():
		return []string{"FULL"}
	case s.Capacity <= 0:
		return []string{"NO PORT FOUND"}
	case s.Fails(now):
		return []string{"NO PORT FOUND, " + taken, "NO PORT FOUND"}
	case !forecast.Known:
		return []string{taken}
	case forecast.Never:
		return []string{taken + ", never full at this rate", taken}
	}
	return []string{taken + ", full " + forecast.String(), taken + ", full " + forecast.When(), taken}
}

// holding is who holds how many of the ports, in less and less room.
func holding(h *snapshot.Holder, s *snapshot.PortSpace) []string {
	who := holderName(h, maxName)
	some := who + " holds " + count(h.Ports())
	return []string{some + " of " + capacity(s) + " ports", some, who}
}

// starving is who gets no port, where that is not who holds them.
func starving(s *snapshot.PortSpace) []piece {
	if len(s.Victims) == 0 {
		return nil
	}
	victim := &s.Victims[0].Proc
	if h := culprit(s); h != nil && h.Proc.ID == victim.ID {
		return nil
	}
	return []piece{{rank: 4, comma: true, forms: []string{
		process(victim.ID, victim.Comm, maxName) + " gets none", command(victim.ID, victim.Comm) + " gets none",
	}}}
}
