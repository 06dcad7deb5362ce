package tui

import (
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// topLine returns the host at the left, and at the right what is selected and how well it is traced.
func (m *Model) topLine() string {
	if m.shown == nil {
		return " " + m.styles.paint(strong, "porttrace")
	}
	right := join(m.selection(), max(m.width/2-2, 0), m.styles) + " "
	left := " " + join(hostLine(m.shown, m.source()), max(m.width-cells(right)-3, 0), m.styles)
	return ends(left, right, m.width)
}

// hostLine returns the host and how long it has been traced.
func hostLine(s *snapshot.Snapshot, source string) []piece {
	name, kernel := printable.String(s.Host.Name), printable.String(s.Host.Kernel)
	short, _, _ := strings.Cut(name, ".")
	release, _, _ := strings.Cut(kernel, "-")
	pieces := []piece{
		{rank: 3, tone: strong, forms: []string{"porttrace"}},
		{rank: 1, tone: strong, forms: []string{name, short}},
		{rank: 5, tone: quiet, forms: []string{kernel, release}},
	}
	if !s.Wall.IsZero() {
		pieces = append(pieces, piece{rank: 2, forms: []string{s.Wall.Format(time.TimeOnly + " MST"), s.Wall.Format(time.TimeOnly)}})
	}
	return append(pieces, piece{rank: 4, tone: quiet, forms: []string{source + " " + phrase.Elapsed(s.Elapsed), phrase.Elapsed(s.Elapsed)}})
}

// source returns what the snapshots come from: this host, or a recording.
func (m *Model) source() string {
	if m.replay == nil {
		return "tracing"
	}
	name := m.title[strings.LastIndexByte(m.title, ' ')+1:]
	return name[strings.LastIndexByte(name, '/')+1:]
}

// selection returns the recording, the filters, and what is wrong with the tracing itself: nothing, as a rule.
func (m *Model) selection() []piece {
	s := m.shown
	pieces := m.recordingState()
	if m.filter.text() != "" && !m.filter.typing {
		pieces = append(pieces, piece{tone: chip, forms: []string{"/" + m.filter.text() + " (" + m.matches() + ")", "/" + m.filter.text()}})
	}
	switch {
	case s.Filtered:
		pieces = append(pieces, piece{rank: 2, tone: chip, forms: m.selectedForms()})
	case m.selected != "":
		pieces = append(pieces, piece{rank: 2, tone: chip, forms: []string{m.selected}})
	}
	if s.SocketLimit > 0 {
		limit := phrase.Count(s.SocketLimit)
		pieces = append(pieces, piece{rank: 2, tone: warn, forms: []string{"more than " + limit + " sockets: all counts are lower bounds", ">" + limit + " sockets"}})
	}
	if s.Health.Lost > 0 {
		pieces = append(pieces, piece{rank: 3, tone: warn, forms: []string{"lost " + phrase.Count(s.Health.Lost)}})
	}
	if n := s.Limited.Now; n > 0 {
		counted := phrase.Plural(n, "pair") + " only counted (c)"
		pieces = append(pieces, piece{rank: 5, tone: quiet, forms: []string{counted, "counted (c)"}})
	}
	if len(s.Gaps) > 0 {
		pieces = append(pieces, piece{rank: 1, tone: warn, forms: missing(s)})
	}
	if inferred := unobserved(s.Signals); inferred != nil {
		pieces = append(pieces, piece{rank: 4, tone: quiet, forms: inferred})
	}
	return pieces
}

// selectedForms returns the filter of the command line and what it lets through, in forms.
func (m *Model) selectedForms() []string {
	forms := selected(m.shown)
	if m.selected == "" {
		return forms
	}
	return append([]string{m.selected + "  " + forms[0], m.selected + "  " + forms[len(forms)-1], m.selected}, forms...)
}

// selected returns what a filter lets through, in forms.
func selected(s *snapshot.Snapshot) []string {
	if s.SelectedEvents == 0 && len(s.Processes) == 0 && len(s.PortSpaces) == 0 {
		return []string{"filter matches nothing: 0 of " + phrase.Plural(s.Health.Events, "event"), "filter matches nothing"}
	}
	all := max(s.Health.Events, s.SelectedEvents) // it is counted a moment earlier
	return []string{
		"filtered: " + phrase.Count(s.SelectedEvents) + " of " + phrase.Plural(all, "event"),
		"filtered: " + phrase.Plural(s.SelectedEvents, "event"), "filtered",
	}
}

// unobserved returns which signals are inferred or off, in forms; nil if all are exact. What it
// means is behind the key c.
func unobserved(list event.Signals) []string {
	var inferred, off []string
	for _, signal := range list {
		switch name := printable.String(signal.Name); signal.Mode {
		case event.Inferred:
			inferred = append(inferred, name)
		case event.Off:
			off = append(off, name)
		}
	}
	var words []string
	if len(inferred) > 0 {
		words = append(words, "~ inferred: "+strings.Join(inferred, ", "))
	}
	if len(off) > 0 {
		words = append(words, "off: "+strings.Join(off, ", "))
	}
	if len(words) == 0 {
		return nil
	}
	return []string{strings.Join(words, "; "), "~ partly inferred (c)", "~"}
}

// missing returns the gaps of a recording, in forms. Only its end can be truncated.
func missing(s *snapshot.Snapshot) []string {
	n := s.OlderGaps + uint64(len(s.Gaps))
	truncated := s.Gaps[len(s.Gaps)-1].Truncated
	if truncated {
		n--
	}
	text := phrase.Plural(n, "gap")
	switch {
	case !truncated:
		return []string{text}
	case n == 0:
		return []string{"truncated"}
	}
	return []string{text + ", truncated", "truncated"}
}
