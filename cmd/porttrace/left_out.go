package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// leftOut is what a stream has of the printed kinds without printing it one by one.
type leftOut struct {
	kinds      []event.Kind
	undetailed uint64
	lost       uint64
	counted    uint64 // of lost: how many the tracer had counted by its newest account
	begun      bool   // counted is known: otherwise the first account says what was lost before
}

// add takes the events of the stream. It returns how many were lost since the account before.
func (l *leftOut) add(e *event.Event) uint64 {
	switch fact := e.Fact.(type) {
	case *event.Fold:
		if !e.Flags.Has(event.NotSelected) {
			l.undetailed += l.of(fact)
		}
	case *event.Health:
		before := l.counted
		l.counted = fact.Lost
		if !l.begun || fact.Lost < before {
			l.begun = true
			return 0
		}
		l.lost += fact.Lost - before
		return fact.Lost - before
	}
	return 0
}

// of returns how many events of the printed kinds a fold stands for.
func (l *leftOut) of(f *event.Fold) (n uint64) {
	for kind, count := range publicCounts(f) {
		if slices.Contains(l.kinds, kind) {
			n += count
		}
	}
	return n
}

// publicCounts returns the counts of a fold that are of kinds which are printed.
func publicCounts(f *event.Fold) map[event.Kind]uint64 {
	return map[event.Kind]uint64{
		event.Open: f.Opens, event.Close: f.Closes(), event.Bind: f.Binds, event.SynUnanswered: f.EnterSynSent,
	}
}

// countedKinds returns the names of the printed kinds of which a fold has counts.
func (l *leftOut) countedKinds() (names []string) {
	counted := publicCounts(&event.Fold{})
	for _, kind := range l.kinds {
		if _, is := counted[kind]; is {
			names = append(names, kind.String())
		}
	}
	return names
}

// write says in a line what has no line of its own, if anything has none. Reports have more events that
// were only counted: those of kinds that are never printed, too.
func (l *leftOut) write(to io.Writer) {
	var parts []string
	if l.undetailed != 0 {
		parts = append(parts, phrase.Plural(l.undetailed, "event")+" of kind "+strings.Join(l.countedKinds(), ", ")+" only counted")
	}
	if l.lost != 0 {
		parts = append(parts, phrase.Plural(l.lost, "event")+" lost")
	}
	if len(parts) > 0 {
		fmt.Fprintf(to, "without a line: %s\n", strings.Join(parts, "; "))
	}
}
