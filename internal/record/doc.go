// Package record writes the stream of events to a file, and reads it back: a Reader is a
// source for the pipeline, as live is.
//
// A recording is a row of frames, each behind a header, and an end header. trace.proto has
// the messages, header.go the header byte by byte, docs/trace-file.md both for other
// programs. The rules:
//
//   - The file is append-only. Each frame, about half a second of events, is written at once
//     and synced before the next one; it never changes afterwards. A frame that could not be
//     written whole is cut off again. So a crash costs at most the last second, and the file
//     may be copied while it is written.
//   - A frame can be read without the ones before it. It has the processes that its events
//     name. It has the context (host, clock, signals, namespaces) if the frame before it
//     changed that, and every 32 frames.
//   - A frame holds at most 32,768 events and 4 MiB. A reader refuses more, so what it needs
//     is bounded, whatever a file claims.
//   - Numbers are in columns and shared values in a table of shapes. A Reader makes one event
//     at a time from the bytes of the columns.
//   - New fields and new numbers are skipped by an older porttrace. Only a change that it
//     would misread raises Version. A test reads a file of every version in testdata.
//
// NewReader checks the sums of the whole file before it returns the first event. After
// damage a Reader guarantees:
//
//   - Every frame whose sums are right is read, however many others are damaged.
//   - What is missing comes as an event of kind Missing at its place in the stream, after
//     the context and the processes that the next frame repeats. Gaps returns all of it.
//   - Batch.Now never decreases, and no event is returned twice.
//   - A file without an end header is not damaged: its last Gap is Truncated.
package record
