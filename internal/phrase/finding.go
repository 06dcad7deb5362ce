package phrase

import (
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// Span returns since when something goes on, or from when to when it went on. A zero since is
// before start, a zero until is now.
func Span(since, until, now time.Time) string {
	from := "before start"
	if !since.IsZero() {
		from = since.UTC().Format(time.TimeOnly)
	}
	switch {
	case !until.IsZero() && since.IsZero():
		return "from " + from + " to " + until.UTC().Format(time.TimeOnly) + " UTC"
	case !until.IsZero():
		return "from " + from + " to " + until.UTC().Format(time.TimeOnly) + " UTC (" + Elapsed(until.Sub(since)) + ")"
	case since.IsZero():
		return "since " + from
	}
	return "since " + from + " UTC (" + Elapsed(now.Sub(since)) + ")"
}

// Sufferer returns a process with its failures.
func Sufferer(proc event.Process, failures uint64, last time.Time) string {
	text := ProgramName(&proc) // the calls of all its processes are counted
	if failures > 0 {
		text += ": " + Plural(failures, "failed call")
	}
	if !last.IsZero() {
		text += ", last at " + last.UTC().Format(time.TimeOnly)
	}
	return text
}

// CommandLines returns lines to copy as they are, without what a terminal would not show.
func CommandLines(lines string) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimRight(lines, "\n"), "\n") {
		out = append(out, printable.String(strings.ReplaceAll(line, "\t", "    ")))
	}
	return out
}

// ShellWord returns a word as a shell takes it.
func ShellWord(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,"
	word = printable.String(word)
	if word != "" && strings.Trim(word, plain) == "" { // all of it
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
