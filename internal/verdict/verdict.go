// Package verdict is a stand-in.
package verdict

import (
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

type Level int

const (
	OK Level = iota
	Unknown
	Soon
	Failing
)

type Verdict struct {
	Level   Level
	Title   string
	Lines   []string
	Do      string
	More    []string
	Finding string
	Space   *snapshot.PortSpace
	Failure *snapshot.Failure
	Process event.ProcID
}

func Of(s *snapshot.Snapshot, findings []doctor.Finding) Verdict {
	h, _ := phrase.Headline(s)
	v := Verdict{Title: "OK", Lines: h[:1]}
	if w := doctor.Worst(findings); w != nil {
		v.Level, v.Title, v.Lines = Failing, string(w.Cause), []string{w.Summary}
		if len(w.Advice) > 0 {
			v.Do = w.Advice[0].Action
		}
	}
	return v
}
