// Package report writes a snapshot as text for people and as JSON for programs.
package report

import (
	"io"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// Text writes a report of what was seen and what is wrong, with times in UTC. Its
// processes are put together by what they have in common.
func Text(w io.Writer, s *snapshot.Snapshot, by snapshot.Grouping) error {
	_, err := w.Write(text(s, by))
	return err
}

// JSON writes the report as one object. Its fields are a contract with users'
// scripts, named by Schema. The groups come beside the processes, not in their place.
func JSON(w io.Writer, s *snapshot.Snapshot, by snapshot.Grouping) error {
	return encode(w, newDocument(s, by))
}
