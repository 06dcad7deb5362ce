package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// percentWidth is the room for the figure after a bar, with its gap.
const percentWidth = 5

// gauge is a bar of the ports that are taken, those in TIME_WAIT that would be reused, and
// those that are free, with the share that is taken. It is full only if the space is.
func gauge(s *snapshot.PortSpace, width int) string {
	if s.Capacity <= 0 {
		if width < cells(rangeUnknown) {
			return "range ?"
		}
		return rangeUnknown
	}
	room := max(width-percentWidth, 0)
	taken := clamp(int(s.TakenShare()*float64(room)), room+1)
	reused := clamp(int(float64(s.Reusable)/float64(s.Capacity)*float64(room)), room-taken+1)
	bar := strings.Repeat("█", taken) + strings.Repeat("▒", reused) + strings.Repeat("░", room-taken-reused)
	return bar + pad(percentTaken(s), percentWidth, true)
}

const rangeUnknown = "range not known"

// percentTaken is 100% of a full space only, and 0% of one of which nothing is taken.
func percentTaken(s *snapshot.PortSpace) string {
	percent := s.TakenPercent()
	if percent == 0 && s.TakenShare() > 0 {
		return "<1%"
	}
	return fmt.Sprintf("%d%%", percent)
}

// pressure is how bad a port space is.
func pressure(s *snapshot.PortSpace, now time.Time) tone {
	switch {
	case !s.Tight(now):
		return plain
	case s.IsFull() || s.Fails(now):
		return fail
	}
	return warn
}
