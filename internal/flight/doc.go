// Package flight is the flight recorder: the last minutes of a run as recordings in a directory, and
// those around an incident under a name of their own.
//
//	DIR/20261128T031000.000Z.ptrace       a segment: a recording that begins with all that was known
//	DIR/20261128T031115.000Z.ptrace       the next: it begins where the one before ends
//	DIR/incidents/20261128T031207Z-full/  the segments before and after an incident; -high-full if it became worse
//
// The oldest segments are deleted, so that what is kept is bounded in time and bytes. A crash leaves
// every segment readable, the last but for its last second. A directory, or some of its files, are read
// as one recording (record.Join).
//
// Recorder is for the goroutine of the pipeline. Files are closed beside it. Memory keeps such segments in
// memory, for a live screen.
package flight
