package tui

import (
	"slices"
	"time"

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

// judges judges successive snapshots. It keeps what is over for a while: who comes late has to see
// why calls have failed. It is for the goroutine that waits for snapshots.
type judges struct {
	history doctor.History
	last    time.Time
}

// keepOver is for how long a finding is kept that is over.
const keepOver = 10 * time.Minute

func (j *judges) judge(s *snapshot.Snapshot) judged {
	if s.Wall.Before(j.last) { // a replay that went back
		j.history = doctor.History{}
	}
	j.last = s.Wall
	j.history.Add(s)
	findings := slices.DeleteFunc(j.history.Findings(), func(f doctor.Finding) bool {
		return !f.Until.IsZero() && s.Wall.Sub(f.Until) > keepOver
	})
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
		return snapshotMsg{s, m.judges.judge(s)}
	case <-m.done:
		return nil
	}
}
