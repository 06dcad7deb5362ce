// Package report writes a snapshot as text for people and as JSON for programs.
package report

import (
	"io"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// Text writes a report of what was seen and what is wrong, with times in UTC.
func Text(w io.Writer, s *snapshot.Snapshot) error {
	_, err := w.Write(text(s))
	return err
}

// JSON writes the report as one object. Its fields are a contract with users'
// scripts, named by Schema.
func JSON(w io.Writer, s *snapshot.Snapshot) error {
	return encode(w, newDocument(s))
}
