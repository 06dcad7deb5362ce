package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/verdict"
)

// bell rings once when calls begin to fail, if it is asked for: for a window that is not seen.
type bell struct {
	on, rung bool
}

// ring returns the command that rings, nil if it is not the time.
func (m *Model) ring() tea.Cmd {
	fails := m.verdict.Level == verdict.Failing
	began := fails && !m.bell.rung
	m.bell.rung = fails
	if !began || !m.bell.on {
		return nil
	}
	return tea.Raw("\a")
}
