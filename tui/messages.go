package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// snapshotMsg brings the newest state, and what is wrong with it.
type snapshotMsg struct {
	snapshot *snapshot.Snapshot
	findings []doctor.Finding
}

// endedMsg reports that the source has ended.
type endedMsg struct{}

// wait is the command that returns the next snapshot, judged once. Update starts it again with
// each.
func (m *Model) wait() tea.Msg {
	select {
	case s, open := <-m.snapshots:
		if !open {
			return endedMsg{}
		}
		return snapshotMsg{s, doctor.Judge(s)}
	case <-m.done:
		return nil
	}
}
