package report

import (
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// finding is a trouble with its cause, in the report and in what porttrace doctor prints.
type finding struct {
	ID         string     `json:"id"`
	Severity   string     `json:"severity"`
	Cause      string     `json:"cause"`
	Confidence string     `json:"confidence"`
	Summary    string     `json:"summary"`
	Netns      uint32     `json:"netns"` // 0: it is about a process or the host
	NetnsName  string     `json:"netns_name"`
	Since      string     `json:"since"` // empty: from before start
	Until      string     `json:"until"` // empty: it goes on
	Evidence   []evidence `json:"evidence"`
	Victims    []sufferer `json:"victims"`
	Advice     []advice   `json:"advice"` // least risk first
	Wrong      []string   `json:"wrong"`  // what people do about it that does not help
}

// evidence is a figure or a fact, with the process whose it is.
type evidence struct {
	Text  string   `json:"text"`
	Value *float64 `json:"value"` // null: the text is all
	Unit  string   `json:"unit"`
	Time  string   `json:"time"`
	PID   uint32   `json:"pid"` // 0: of no process
	Comm  string   `json:"comm"`
}

// sufferer is a process that a finding harms.
type sufferer struct {
	identity
	Failures uint64 `json:"failures"`
	Last     string `json:"last"`
}

type advice struct {
	Action  string `json:"action"`
	Command string `json:"command"` // lines, empty: none
	Undo    string `json:"undo"`
	Risk    string `json:"risk"`
	Safety  string `json:"safety"`
	Effect  string `json:"effect"` // on the load that was seen, empty: not simulated
}

func newFindings(findings []doctor.Finding, s *snapshot.Snapshot) []finding {
	return convert(findings, func(f *doctor.Finding) finding { return newFinding(f, s) })
}

func newFinding(f *doctor.Finding, s *snapshot.Snapshot) finding {
	name := ""
	if n := s.Namespace(f.Subject.Netns); n != nil {
		name = n.Name
	}
	return finding{
		ID: f.ID, Severity: f.Severity.String(), Cause: string(f.Cause), Confidence: f.Confidence.String(), Summary: f.Summary,
		Netns: f.Subject.Netns, NetnsName: name, Since: formatTime(f.Since), Until: formatTime(f.Until),
		Evidence: convert(f.Evidence, newEvidence),
		Victims: convert(f.Victims, func(v *doctor.Victim) sufferer {
			return sufferer{newIdentity(&v.Proc, s.Clock), v.Failures, formatTime(v.Last)}
		}),
		Advice: convert(f.Advice, newAdvice),
		Wrong:  append([]string{}, f.Wrong...),
	}
}

func newEvidence(e *doctor.Evidence) evidence {
	out := evidence{Text: e.Text, Unit: e.Unit, Time: formatTime(e.At), PID: e.Proc.ID.PID, Comm: e.Proc.Comm}
	if e.Unit != "" {
		out.Value = &e.Value
	}
	return out
}

func newAdvice(a *doctor.Advice) advice {
	return advice{
		Action: a.Action, Command: a.Command, Undo: a.Undo, Risk: a.Risk, Safety: a.Safety.String(), Effect: a.Effect,
	}
}
