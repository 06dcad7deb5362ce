package whatif

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
)

// Describe returns the load in words.
func (l Load) Describe(system *System) string {
	l = l.normal().withWorkers()
	parts := []string{l.arrivals()}
	each := "a connection"
	if l.Requests > 1 {
		each = fmt.Sprintf("a request, %s on each connection", phrase.Grouped(l.Requests))
	}
	switch {
	case len(l.Lifetimes) > 0:
		parts = append(parts, fmt.Sprintf("recorded lifetimes (mean %s)", phrase.Spelled(l.meanLifetime())))
	case l.Lifetime == 0:
		parts = append(parts, "closed at once")
	case l.Exponential:
		parts = append(parts, phrase.Spelled(l.Lifetime)+" for "+each+" in the mean")
	default:
		parts = append(parts, phrase.Spelled(l.Lifetime)+" for "+each)
	}
	if l.Destinations > 1 {
		parts = append(parts, fmt.Sprintf("%s destinations", phrase.Grouped(l.Destinations)))
	}
	if system.Sources > 1 {
		parts = append(parts, fmt.Sprintf("%s local addresses", phrase.Grouped(system.Sources)))
	}
	for _, s := range []struct {
		share float64
		text  string
	}{
		{l.ServerCloses, "closed first by the server"},
		{l.EarlyBind, "bound before they connect"},
		{l.Unanswered, "of SYNs without an answer"},
		{l.Dead, "with a peer that vanishes"},
	} {
		if s.share > 0 {
			parts = append(parts, fmt.Sprintf("%.3g %% %s", 100*s.share, s.text))
		}
	}
	return strings.Join(parts, ", ")
}

func (l *Load) arrivals() string {
	kind := "connections"
	if l.Requests > 1 {
		kind = "requests"
	}
	text := ""
	switch {
	case l.Rate > 0:
		text = fmt.Sprintf("%s %s per second", trimmed(l.Rate), kind)
		if l.Concurrency > 0 {
			text += fmt.Sprintf(", %s at a time at most", phrase.Grouped(l.Concurrency))
		}
	case l.Concurrency == 1:
		text = kind + " one after the other"
	default:
		text = fmt.Sprintf("%s workers without a pause", phrase.Grouped(l.Concurrency))
	}
	if l.Count > 0 {
		text += fmt.Sprintf(", %s in all", phrase.Grouped(l.Count))
	}
	return text
}

// trimmed returns a rate without zeros behind the point.
func trimmed(rate float64) string {
	if rate == float64(uint64(rate)) {
		return phrase.Grouped(uint64(rate))
	}
	return fmt.Sprintf("%.4g", rate)
}

// Describe returns the recorded load in words.
func (s *Survey) Describe() string {
	text := "the " + phrase.Plural(s.Opens, "connection")
	if s.Refused > 0 {
		text += fmt.Sprintf(" and %s that found no port", phrase.Plural(s.Refused, "call"))
	}
	return text
}
