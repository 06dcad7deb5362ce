package verdict

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// rates returns what is wanted against what the space sustains, and when its next port is free.
func (s *spaceTrouble) rates() string {
	text := s.wants()
	next := phrase.NextFree(s.Expiring)
	switch {
	case s.IsFull() && s.Kind == snapshot.ConnectSpace && next != "":
		text = joined(text, "Next port free "+next+".")
	case s.IsFull() && s.Kind == snapshot.ConnectSpace && s.TimeWait == 0 && s.Live > 0:
		text = joined(text, "No port is free before a connection is closed.")
	}
	return text
}

// wants returns Wants 200 conn/s; this space sustains 16.
func (s *spaceTrouble) wants() string {
	what := " conn/s"
	if s.Kind == snapshot.BindSpace {
		what = " ports/s"
	}
	return wanted(s.Wanted, s.Sustainable, what)
}

// wanted compares two rates.
func wanted(rate, sustainable float64, what string) string {
	if rate <= 0 {
		return ""
	}
	text := "Wants " + phrase.Rate(rate) + what
	if sustainable > 0 {
		text += "; this space sustains " + sustains(sustainable)
	}
	return text + "."
}

// sustains returns a rate that a space sustains, with a decimal if that matters.
func sustains(rate float64) string {
	if rate >= 100 {
		return phrase.Rate(rate)
	}
	return strconv.FormatFloat(rate, 'f', 1, 64)
}

func joined(a, b string) string { return strings.TrimSpace(a + " " + b) }

// opens returns which programs open connections to where, and whether any is closed.
func (s *spaceTrouble) opens(openers parties) string {
	text := s.subject(openers) + openers.verb(" opens ", " open ") + phrase.Rate(s.OpenRate) + " conn/s to " + s.ends()
	if s.closesNone() {
		return text + openers.verb(" and has", " and have") + " closed none of " + phrase.Count(max(s.destination().Live(), 0)) + "."
	}
	return text + "."
}

// closesNone reports whether connections to the destination are opened and none has ended yet.
func (s *spaceTrouble) closesNone() bool {
	d := s.destination()
	return d != nil && d.Opens > 0 && d.ClosesOut == 0 && d.FailedOpens == 0 && d.EndedUnseen <= 0
}

// outlook returns when the space will be full.
func (s *spaceTrouble) outlook() string {
	f := &s.Forecast
	text := ""
	switch {
	case !f.Known || f.Never:
	case f.High < 0 && s.closesNone():
		text = fmt.Sprintf("If %s conn/s continue and none closes (none has), the last port is taken %s.", phrase.Rate(s.OpenRate), phrase.When(f))
	case f.High < 0:
		text = "If this goes on, the last port is taken " + phrase.When(f) + "."
	default:
		text = "At this rate the last port is taken " + phrase.Forecast(f) + "."
	}
	return text
}

// exceeds returns what is wanted if that is more than what the space sustains, else nothing.
func (s *spaceTrouble) exceeds() string {
	if s.Sustainable <= 0 || s.Wanted <= s.Sustainable {
		return ""
	}
	return s.wants()
}
