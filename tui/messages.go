package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
)

// snapshotMsg brings the newest state, and what is wrong with it.
type snapshotMsg moment

// judged is what is wrong in a snapshot.
type judged struct {
	findings []doctor.Finding
	verdict  verdict.Verdict
}

func judge(s *snapshot.Snapshot) judged {
	findings := doctor.Judge(s)
	return judged{findings, verdict.Of(s, findings)}
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
		return snapshotMsg{s, judge(s)}
	case <-m.done:
		return nil
	}
}
