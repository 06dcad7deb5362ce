package report

import (
	"fmt"
	"io"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// DoctorSchema names the form of the JSON that porttrace doctor prints, as Schema does.
const DoctorSchema = "porttrace.doctor/v1"

// Diagnosis is what porttrace doctor prints.
type Diagnosis struct {
	Snapshot *snapshot.Snapshot // the last one
	Findings []doctor.Finding   // in the order in which to read them
	Lacks    []string           // what could not be judged, and why
	Ignored  int                // findings that the user does not want to see
	// Unmatched says that the user's filter has selected nothing; empty: it has, or there is none.
	Unmatched string
}

// Verdict is the result in a word.
type Verdict string

// Each has an exit status of porttrace doctor.
const (
	Fine     Verdict = "fine"
	Warning  Verdict = "warning"
	Critical Verdict = "critical"
	Unknown  Verdict = "unknown" // it could not be judged
)

// Verdict returns the severity of the worst finding. A recording that has lost a part is never
// fine: the trouble can be in that part. Nor is what a filter has selected nothing of: the name can be
// mistyped, or the service not run.
func (d *Diagnosis) Verdict() Verdict {
	switch doctor.Verdict(d.Findings) {
	case doctor.Critical:
		return Critical
	case doctor.Warning:
		return Warning
	}
	if d.unseen() != "" {
		return Unknown
	}
	return Fine
}

// unseen returns why no finding does not mean that all is fine, empty if it does.
func (d *Diagnosis) unseen() string {
	if reason, ok := doctor.Judged(d.Snapshot); !ok {
		return reason
	}
	if d.Snapshot.Elapsed <= 0 {
		return "nothing was traced in that time"
	}
	if d.Unmatched != "" {
		return d.Unmatched
	}
	if n := withoutPort(d.Snapshot); n > 0 && d.Ignored == 0 {
		return phrase.Plural(n, "call") + " found no free port, but what is recorded does not show why"
	}
	if cause := d.Snapshot.Missing(); cause != "" {
		return "a part of the time is " + cause + "; in the rest there is no finding"
	}
	return ""
}

// withoutPort returns how many calls failed for want of a port, of those that have a row.
func withoutPort(s *snapshot.Snapshot) (n uint64) {
	for i := range s.Failures {
		if s.Failures[i].Reason == event.RangeExhausted {
			n += s.Failures[i].Count
		}
	}
	return n
}

// diagnosis is what DoctorJSON writes. Its lists are never null.
type diagnosis struct {
	Schema   string    `json:"schema"`
	Verdict  Verdict   `json:"verdict"`
	Error    string    `json:"error"` // why the verdict is unknown, else empty
	Window   *window   `json:"window"`
	Findings []finding `json:"findings"`
	Lacks    []string  `json:"lacks"`
	Ignored  int       `json:"ignored"`
}

// DoctorJSON writes the diagnosis as one object.
func DoctorJSON(w io.Writer, d *Diagnosis) error {
	s := d.Snapshot
	out := diagnosis{
		Schema: DoctorSchema, Verdict: d.Verdict(), Window: newWindow(s), Findings: newFindings(d.Findings, s),
		Lacks: append([]string{}, d.Lacks...), Ignored: d.Ignored,
	}
	if out.Verdict == Unknown {
		out.Error = d.unseen()
	}
	return encode(w, out)
}

// UnknownJSON writes why there is no diagnosis.
func UnknownJSON(w io.Writer, why error) error {
	return encode(w, diagnosis{Schema: DoctorSchema, Verdict: Unknown, Error: why.Error(), Findings: []finding{}, Lacks: []string{}})
}

// UnknownText writes the same as the line of a monitoring plugin.
func UnknownText(w io.Writer, why error) error {
	_, err := fmt.Fprintln(w, pluginLine(Unknown, why.Error()))
	return err
}
