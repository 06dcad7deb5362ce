package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/printable"
)

// incidentHeight returns how many of the lines for the newest events are for incidents.
func (m *Model) incidentHeight(height int) int {
	const most = 8
	if m.replay == nil || len(m.replay.whole.Incidents) == 0 {
		return 0
	}
	return min(len(m.replay.whole.Incidents)+frameRows, most, height-frameRows-2)
}

// incidentLines returns what happened in the recording, in a frame, around where the replay stands.
func (m *Model) incidentLines(width, height int) []string {
	r, st := m.replay, m.styles
	list, room := r.whole.Incidents, height-frameRows
	begun := 0
	for begun < len(list) && list[begun].Begin <= r.playback.At {
		begun++
	}
	from := clamp(begun-room/2, max(len(list)-room, 0)+1)
	var lines []string
	for i := from; i < min(from+room, len(list)); i++ {
		mark, t := "  ", quiet
		if i < begun {
			t = incidentTones[list[i].Kind]
		}
		if i == begun-1 {
			mark = cursorSign + " "
		}
		lines = append(lines, mark+st.paint(quiet, stamp(&r.playback, list[i].Begin, time.TimeOnly))+"  "+st.paint(t, printable.String(list[i].Text)))
	}
	f := frame{title: st.paint(strong, "incidents of the recording"), right: st.hint("n N", "next, previous"), tone: border}
	return f.draw(lines, width, height, st)
}

var incidentTones = map[playback.IncidentKind]tone{
	playback.Failing: fail, playback.Full: fail, playback.Found: warn, playback.Damage: warn,
}

// goToIncident goes to the incident that find returns, and says if there is none. A rough time line does
// not know all: the player searches.
func (m *Model) goToIncident(find func(event.Time) (event.Time, bool), jump func(), where string) {
	if _, found := find(m.replay.playback.At); !found && !m.replay.whole.Rough {
		m.say(quiet, "no incident "+where+" this moment")
		return
	}
	jump()
}
