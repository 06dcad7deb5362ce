package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// selectedSpace returns the port space under the cursor, nil if there is none.
func (m *Model) selectedSpace() *snapshot.PortSpace {
	if s, ok := m.panes[m.tab].(*spaces); ok {
		return s.current()
	}
	return nil
}

// picture returns the map of the ports and the fill curve of the space under the cursor.
func (m *Model) picture(height int) []string {
	space := m.selectedSpace()
	if space == nil {
		return nil
	}
	return pictureLines(space, m.shown.Wall, m.width, height, m.styles)
}

func pictureLines(space *snapshot.PortSpace, now time.Time, width, height int, st *styles) []string {
	return nil
}

func (m *Model) charts(height int) []string { return nil }
