package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// snapshotMsg brings the newest state.
type snapshotMsg struct{ snapshot *snapshot.Snapshot }

// endedMsg reports that the source has ended.
type endedMsg struct{}

// wait is the command that returns the next snapshot. Update starts it again with each.
func (m *Model) wait() tea.Msg {
	select {
	case s, open := <-m.snapshots:
		if !open {
			return endedMsg{}
		}
		return snapshotMsg{s}
	case <-m.done:
		return nil
	}
}
