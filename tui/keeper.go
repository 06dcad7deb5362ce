package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
)

// Keeper keeps the last minutes of what the live screen shows in memory. Its methods return at once.
type Keeper interface {
	// Keep writes what is kept to a file.
	Keep()
	// Kept returns what is kept, and what has become of the last file.
	Kept() Kept
}

// Kept is what is kept in memory.
type Kept struct {
	Begin, End event.Time // equal: nothing
	Bytes      int64
	All        bool // everything since the tracing began
	Paused     bool // too much happens, or exists, for the bounds: nothing is added
	// The bounds.
	Length   time.Duration
	MaxBytes int64

	// Written is what Keep wrote last, Err why it could not: a sentence for the user. Changes grows with
	// each.
	Written Written
	Err     error
	Changes int
}

// Written is a file with what was kept.
type Written struct {
	File  string
	Lasts time.Duration
	Bytes int64
	Lacks string // what the user may expect in it and it has not; empty: nothing
}

// keeperState is the Keeper and what it reported last.
type keeperState struct {
	keeper  Keeper // nil: nothing is kept
	changes int
}

// keepLast is the key F.
func (m *Model) keepLast() {
	switch {
	case m.replay != nil:
		m.say(quiet, "this is a recording already")
	case m.keeping.keeper == nil:
		m.say(quiet, "nothing is kept here")
	default:
		m.keeping.keeper.Keep()
		m.say(quiet, "writing the last minutes")
	}
}

// followKept says what has become of the last file since the snapshot before.
func (m *Model) followKept() {
	k := &m.keeping
	if k.keeper == nil {
		return
	}
	kept := k.keeper.Kept()
	if kept.Changes == k.changes {
		return
	}
	k.changes = kept.Changes
	if kept.Err != nil {
		m.say(fail, printable.String(kept.Err.Error()))
		return
	}
	m.say(good, printable.String(kept.Written.Line()))
}

// Line says where the file is, and what is in it.
func (w *Written) Line() string {
	line := "kept " + phrase.Elapsed(w.Lasts) + ", " + phrase.Size(w.Bytes) + ": porttrace replay " + w.File
	if w.Lacks != "" {
		line += " (" + w.Lacks + ")"
	}
	return line
}

// Lacks returns what a file of what is kept has not, empty if it has all that its bounds allow to
// expect.
func (k *Kept) Lacks() string {
	switch {
	case k.Paused:
		return "nothing since: too much happens for " + phrase.Size(k.MaxBytes)
	case k.All, k.End.Sub(k.Begin) >= k.Length:
		return ""
	}
	return "nothing before: no more than " + phrase.Size(k.MaxBytes) + " is kept"
}

// memory says what is kept, and its bounds.
func (k *Kept) memory() string {
	lasts, most := phrase.Elapsed(k.End.Sub(k.Begin))+", "+phrase.Size(k.Bytes), phrase.Size(k.MaxBytes)
	switch {
	case k.Paused && k.Bytes == 0:
		return "nothing: too much happens, or exists, for " + most + "; R records"
	case k.Paused:
		return lasts + " from before too much happened for " + most + " (F writes them to a file, R records)"
	case k.Begin == k.End:
		return "nothing yet; at most " + most
	}
	return "the last " + lasts + " (F writes them to a file; " + phrase.Elapsed(k.Length) + " or more are kept, at most " + most + ")"
}
