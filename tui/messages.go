package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// snapshotMsg brings the newest state.
type snapshotMsg struct{ snapshot *snapshot.Snapshot }

// endedMsg says that no more will come.
type endedMsg struct{}

// wait is the command that brings the next snapshot. It is armed again each
// time that one has arrived.
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
