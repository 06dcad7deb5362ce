package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxFindings bounds the findings of the text. JSON has all.
const maxFindings = 5

// writeFindings writes each finding with its first advice.
func writeFindings(out *bytes.Buffer, s *snapshot.Snapshot, findings []doctor.Finding) {
	findings = doctor.Sorted(findings, false)
	for i := range findings[:min(len(findings), maxFindings)] {
		f := &findings[i]
		out.WriteString("\n")
		writeItem(out, strings.ToUpper(f.Severity.String())+": ", printable.String(f.Summary))
		writeItem(out, "  ", phrase.Span(f.Since, f.Until, s.Wall)+"; "+f.Confidence.Words())
		if len(f.Advice) > 0 {
			writeFirstAdvice(out, &f.Advice[0])
		}
		fmt.Fprintf(out, "  More: porttrace doctor, porttrace explain %s\n", f.Cause)
	}
	if more := len(findings) - maxFindings; more > 0 {
		fmt.Fprintf(out, "\nand %s more: porttrace doctor\n", phrase.Grouped(more))
	}
}

func writeFirstAdvice(out *bytes.Buffer, a *doctor.Advice) {
	writeItem(out, "  Do: ", printable.String(a.Action)+" ["+a.Safety.Words()+"]")
	writeCommand(out, "", a.Command)
	if a.Effect != "" {
		writeItem(out, "  Effect: ", printable.String(a.Effect))
	}
}
