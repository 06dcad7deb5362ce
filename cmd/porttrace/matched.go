package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// matched is how many events a filter has selected, and how many it has not.
type matched struct{ selected, others uint64 }

// add counts the kinds that users see. A socket that exists already is selected, too, but not
// counted as one left out: of those a scan finds many.
func (m *matched) add(e *event.Event) {
	var count uint64
	switch fact, folded := e.Fact.(*event.Fold); {
	case folded:
		count = fact.Public()
	case e.Kind == event.SocketFound && !e.Flags.Has(event.NotSelected),
		e.Kind.AboutSocket() && slices.Contains(event.PublicKinds(), e.Kind):
		count = max(e.Count, 1)
	}
	if e.Flags.Has(event.NotSelected) {
		m.others += count
	} else {
		m.selected += count
	}
}

// typed returns the filters as they were typed; empty without any.
func (f *filterFlags) typed() string {
	var words []string
	for _, row := range filter.Flags {
		if values := *row.Values(&f.request); len(values) > 0 {
			words = append(words, "--"+row.Name+" "+phrase.ShellWord(strings.Join(values, ",")))
		}
	}
	if f.request.Children {
		words = append(words, "--children")
	}
	return strings.Join(words, " ")
}

// reportUnmatched says in a line that the filter has selected nothing: a wrong guess of a name
// must not be taken for a quiet host.
func (f *filterFlags) reportUnmatched(to io.Writer, m *matched) {
	if line := f.unmatched(m.selected, m.others); line != "" {
		fmt.Fprintln(to, line)
	}
}

// unmatched returns that line; empty if something was selected, or there is no filter.
func (f *filterFlags) unmatched(selected, others uint64) string {
	subject := "Filter " + f.typed()
	if f.anonymous.anonymizes() {
		subject = "The filter" // what was typed are names
	}
	switch {
	case f.request.Empty() || selected > 0:
		return ""
	case others == 0:
		return subject + " matches nothing; no other event was seen either"
	}
	return subject + " matches nothing; " + phrase.Plural(others, "other event") + leftOutVerb(others)
}

// unmatchedIn returns the same of what a snapshot shows. A process that only holds sockets has no
// event, and yet is selected, as are UDP sockets, which are only counted.
func (f *filterFlags) unmatchedIn(s *snapshot.Snapshot) string {
	t := &s.Totals
	if len(s.PortSpaces) > 0 || t.Live() != 0 || t.TimeWait() != 0 || t.BeforeStart != 0 || t.Failed() != 0 || t.Opens != 0 || t.Closes() != 0 || t.Binds != 0 {
		return ""
	}
	return f.unmatched(s.SelectedEvents, max(s.Health.Events, s.SelectedEvents)-s.SelectedEvents+s.Health.Filtered)
}

func leftOutVerb(n uint64) string {
	if n == 1 {
		return " was left out"
	}
	return " were left out"
}

// reportUnobserved says in a line which of the failures that are to be printed cannot be seen.
func (p *printer) reportUnobserved(to io.Writer, signals event.Signals) {
	if !slices.Contains(p.kinds, event.ConnectFail) && !slices.Contains(p.kinds, event.BindFail) {
		return
	}
	if missing := phrase.Unobserved(signals); len(missing) > 0 {
		fmt.Fprintf(to, "not observed here: %s (porttrace check says why)\n", strings.Join(missing, ", "))
	}
}
