package playback

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// FuzzMoment has any text for a place in any recording: it is in the recording, or refused in a line.
func FuzzMoment(f *testing.F) {
	for _, text := range []string{"23:50", "23:45:31.25", "2026-11-21T01:00:00+01:00", "+1m30s", "-30s", "12.5%", "0000-01-01T00:00:00Z"} {
		f.Add(text, int64(time.Hour), int64(30*time.Minute), int64(1795218330e9))
	}
	f.Add("100%", int64(0), int64(1<<62), int64(0))
	f.Fuzz(func(t *testing.T, text string, begin, length, wall int64) {
		if begin < 0 || length < 0 || begin+length < begin {
			return // no recording: see readHeader of package record
		}
		p := State{Begin: event.Time(begin), End: event.Time(begin + length), At: event.Time(begin)}
		if wall != 0 {
			p.Clock = event.Clock{Mono: p.Begin, Wall: wall}
		}
		switch at, err := p.Moment(text); {
		case err == nil && (at < p.Begin || at > p.End):
			t.Errorf("%q is at %d, of a recording from %d to %d", text, at, p.Begin, p.End)
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("%q: %v", text, err)
		}
		bound, err := p.Bound(text)
		if err != nil {
			return
		}
		for _, bounds := range [][2]Bound{{bound, {}}, {{}, bound}, {bound, bound}} {
			part, err := p.Between(bounds[0], bounds[1])
			if err == nil && (part.From != 0 && (part.From < p.Begin || part.From > p.End) || part.To != 0 && part.To > p.End) {
				t.Errorf("%q is the part %v, of a recording from %d to %d", text, part, p.Begin, p.End)
			}
		}
	})
}
