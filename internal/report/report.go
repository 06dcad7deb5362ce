// Package report writes a snapshot and the findings of doctor as text for people and as JSON for
// programs.
package report

import (
	"io"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Text writes the report for people, with times in UTC: the verdict, since when, who suffers and
// what to do first, then tables.
func Text(w io.Writer, s *snapshot.Snapshot, findings []doctor.Finding, opts TextOptions) error {
	_, err := w.Write(text(s, findings, opts))
	return err
}

// JSON writes the report as one object. Its fields are a contract with users' scripts,
// named by Schema. It lists the groups in addition to the processes. The baseline is what it is
// compared with; nil: nothing.
func JSON(w io.Writer, s *snapshot.Snapshot, findings []doctor.Finding, by snapshot.Grouping, b *Baseline) error {
	return encode(w, newDocument(s, findings, by, b))
}
