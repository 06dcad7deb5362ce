package tui

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/chart"
)

// selectedSpace returns the port space under the cursor, nil if there is none.
func (m *Model) selectedSpace() *snapshot.PortSpace {
	if s, ok := m.panes[m.tab].(*spaces); ok {
		return s.current()
	}
	return nil
}

// hasPicture reports whether there is a picture of the space under the cursor, or will be in the next
// snapshot: there is one of any space if there is one of the fullest.
func (m *Model) hasPicture() bool {
	space := m.selectedSpace()
	if space == nil || space.Capacity <= 0 {
		return false
	}
	has := func(s *snapshot.PortSpace) bool { return s.Map != nil || len(s.Fill) > 0 }
	return has(space) || has(&m.shown.PortSpaces[0])
}

// setFocus asks for the maps of the port spaces on the screen.
func (m *Model) setFocus() {
	if m.focus == nil {
		return
	}
	var ids []snapshot.SpaceID
	add := func(of subject) {
		if d, ok := of.(*spaceDetail); ok && !slices.Contains(ids, d.row.ID()) {
			ids = append(ids, d.row.ID())
		}
	}
	if m.side != nil {
		add(m.side.subject)
	}
	if page := m.page(); page != nil {
		add(page.subject)
	} else if space := m.selectedSpace(); space != nil {
		add(m.panes[m.tab].open())
	}
	if slices.Equal(ids, m.focused) {
		return
	}
	m.focused = ids
	m.focus.Set(ids...)
	if m.replay != nil {
		m.replay.player.Show()
	}
}

// picture returns the map of the ports and the fill curve of the space under the cursor.
func (m *Model) picture(height int) []string {
	space := m.selectedSpace()
	if space == nil {
		return nil
	}
	title := " " + m.styles.paint(quiet, "ports of ") + spaceName(space, m.width/2) + m.styles.paint(quiet, "  "+rangeWords(space, 0))
	return append([]string{title}, pictureLines(space, curveOf(space, m.shown.Wall, m.replay, m.styles), m.width, height-1, m.styles)...)
}

// pictureLines returns the map of the ports of a space above its fill curve.
func pictureLines(space *snapshot.PortSpace, curve *chart.Fill, width, height int, st *styles) []string {
	if height < minPicture || space.Capacity <= 0 {
		return nil
	}
	inner := max(width-2, 0)
	ports := portMap(space, st)
	var lines []string
	if ports != nil {
		rows := min(ports.Rows(inner, height/2), height/2)
		lines = ports.Lines(inner, max(rows, 2))
	}
	if curve != nil && height-len(lines) >= minCurve {
		lines = append(lines, curve.Lines(inner, height-len(lines))...)
	}
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines
}

const (
	minPicture = 4 // lines that the map and a curve take
	minCurve   = 3
)

// portMap returns the map of the ports of a space, nil if the snapshot has none.
func portMap(space *snapshot.PortSpace, st *styles) *chart.PortMap {
	from := space.Map
	if from == nil || len(from.Slices) == 0 {
		return nil
	}
	m := &chart.PortMap{Low: int(from.Low), High: int(from.High), Legend: true, Braille: st.braille, Palette: &st.palette}
	for i := range from.Slices {
		s := &from.Slices[i]
		ports := from.Range(i)
		slice := chart.Slice{First: int(ports.Low), Last: int(ports.High)}
		for state, n := range map[chart.State]uint16{
			chart.Open: s.Open, chart.SynSent: s.SynSent, chart.CloseWait: s.CloseWait, chart.TimeWait: s.TimeWait,
			chart.Bound: s.Bound, chart.Listener: s.Listener, chart.Reserved: s.Reserved,
		} {
			slice.Count[state] = int32(n)
		}
		m.Slices = append(m.Slices, slice)
	}
	return m
}

// curveOf returns the fill curve of a space: of the whole recording in a replay, else of the last
// two minutes.
func curveOf(space *snapshot.PortSpace, now time.Time, in *replay, st *styles) *chart.Fill {
	if in != nil {
		if curve := in.curve(space, now, st); curve != nil {
			return curve
		}
	}
	return fillCurve(space, now, st)
}

// curve returns how full a space was over the whole recording, nil if that is not known (yet).
func (r *replay) curve(space *snapshot.PortSpace, now time.Time, st *styles) *chart.Fill {
	fills := r.whole.FillOf(space.ID())
	p := &r.playback
	begin, end := p.Clock.WallTime(p.Begin), p.Clock.WallTime(p.End)
	if len(fills) == 0 || begin.IsZero() {
		return nil
	}
	c := &chart.Fill{Capacity: space.Capacity, From: begin, Now: end, Cursor: now, Clock: true, Threshold: 0.95, Braille: st.braille, Palette: &st.inUse}
	for i := range fills {
		f := &fills[i]
		s := chart.Sample{At: p.Clock.WallTime(f.End), InUse: f.InUse, Reusable: f.Reusable, Capacity: f.Capacity, TimeWait: -1}
		if !f.Known() {
			s.InUse = -1
		}
		c.Samples = append(c.Samples, s)
	}
	return c
}

// soonFull is within which time a space must become full for the forecast to be drawn.
const soonFull = 10 * time.Minute

// fillCurve returns how full a space was in the last two minutes and will be, nil if that is not
// known.
func fillCurve(space *snapshot.PortSpace, now time.Time, st *styles) *chart.Fill {
	if len(space.Fill) == 0 {
		return nil
	}
	const past = snapshot.HistorySeconds * time.Second
	c := &chart.Fill{
		Capacity: space.Capacity, From: now.Add(-past), Now: now, Threshold: 0.95, Braille: st.braille, Palette: &st.palette,
	}
	end := now.Truncate(time.Second)
	for i := range space.Fill {
		p := &space.Fill[i]
		s := chart.Sample{
			At:    end.Add(-time.Duration(len(space.Fill)-1-i) * time.Second),
			InUse: int(p.InUse), TimeWait: int(p.TimeWait), Reusable: int(p.Reusable), Failures: int(p.Exhausted), Capacity: int(p.Capacity),
		}
		if !p.Known() {
			s.InUse = -1
		}
		c.Samples = append(c.Samples, s)
	}
	if f := space.Outlook(); f.Known && !f.Never && f.ETA > 0 && f.ETA <= soonFull {
		c.Ahead, c.Forecast = past/3, &chart.Forecast{ETA: f.ETA, Low: f.Low, High: f.High}
	}
	return c
}
