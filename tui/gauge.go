package tui

import (
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// percentWidth is the room for the figure after a bar, with its gap.
const percentWidth = 5

// gauge returns a bar of the ports that are taken, those in TIME_WAIT that can be reused,
// and those that are free, with the share that is taken. Only a full space has a full bar.
func gauge(s *snapshot.PortSpace, width int) string {
	if s.Capacity <= 0 {
		long, short := unknownUse(s)
		if width < cells(long) {
			return short
		}
		return long
	}
	room := max(width-percentWidth, 0)
	taken := clamp(int(s.TakenShare()*float64(room)), room+1)
	reused := clamp(int(float64(s.Reusable)/float64(s.Capacity)*float64(room)), room-taken+1)
	bar := strings.Repeat("█", taken) + strings.Repeat("▒", reused) + strings.Repeat("░", room-taken-reused)
	return bar + pad(phrase.Taken(s), percentWidth, true)
}

// unknownUse returns why it is not known how full a space is, and that in a word.
func unknownUse(s *snapshot.PortSpace) (long, short string) {
	if s.Proto == event.UDP && s.Range.Known() {
		return "not counted", "?"
	}
	return "range unknown", "range ?"
}

// pressure returns the tone of a port space.
func pressure(s *snapshot.PortSpace, now time.Time) tone {
	switch {
	case !s.AtRisk(now):
		return plain
	case s.IsFull() || s.ExhaustedRecently(now):
		return fail
	}
	return warn
}

// bars8 returns a bar of a share of width cells, to an eighth of a cell. Only 0 is blank.
func bars8(share float64, width int) string {
	eighths := int(share * float64(width) * 8)
	if share > 0 {
		eighths = max(eighths, 1)
	}
	eighths = clamp(eighths, 8*width+1)
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}
