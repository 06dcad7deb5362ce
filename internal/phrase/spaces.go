package phrase

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// Spaces returns how all port spaces are together: how many are full, or how far the
// fullest is from it.
func Spaces(s *snapshot.Snapshot) string {
	var full, near, waiting, spaces, known int
	var fullest *snapshot.PortSpace
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		switch {
		case !p.AtRisk(s.Wall):
		case p.IsFull() || p.ExhaustedRecently(s.Wall):
			full++
		default:
			near++
		}
		if p.Kind == snapshot.ConnectSpace && p.TimeWait > 0 {
			waiting += p.TimeWait
			spaces++
		}
		if p.Capacity > 0 {
			known++
		}
		if p.Capacity > 0 && p.HasAllocations() && (fullest == nil || p.TakenShare() > fullest.TakenShare()) {
			fullest = p
		}
	}
	switch {
	case full+near > 0:
		return fmt.Sprintf("%d full or without a port for a call, %d nearly full", full, near)
	case fullest == nil && known > 0:
		return "no allocations seen"
	case fullest == nil:
		return "port range unknown"
	}
	calm := "none is near full, the fullest has " + Taken(fullest) + " taken"
	if waiting == 0 {
		return calm
	}
	return fmt.Sprintf("%s; %s in TIME_WAIT, spread over %s", calm, Plural(waiting, "port"), Plural(spaces, "port space"))
}
