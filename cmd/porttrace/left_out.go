package main

import (
	"fmt"
	"io"
	"slices"

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
	for kind, count := range map[event.Kind]uint64{
		event.Open: f.Opens, event.Close: f.Closes(), event.Bind: f.Binds, event.SynUnanswered: f.EnterSynSent,
	} {
		if slices.Contains(l.kinds, kind) {
			n += count
		}
	}
	return n
}

// write says in a line what was left out, if anything was.
func (l *leftOut) write(to io.Writer) {
	switch undetailed := phrase.Plural(l.undetailed, "event"); {
	case l.undetailed != 0 && l.lost != 0:
		fmt.Fprintf(to, "left out: %s counted without detail, %s lost\n", undetailed, phrase.Count(l.lost))
	case l.undetailed != 0:
		fmt.Fprintf(to, "left out: %s counted without detail\n", undetailed)
	case l.lost != 0:
		fmt.Fprintf(to, "left out: %s lost\n", phrase.Plural(l.lost, "event"))
	}
}
