package tui

import (
	"cmp"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// effectsEvery is the time of the stream after which effects are computed again: a load changes.
	effectsEvery = 10 * time.Second
	// effectsAfter is the same if there is advice that was not there then.
	effectsAfter = 2 * time.Second
)

// effects are what advice would do, as far as that is computed.
type effects struct {
	known    map[adviceKey]string
	names    []string // of the findings computed last
	at       time.Time
	underway bool
}

// adviceKey is a piece of advice. With another command it has another effect; its action has
// figures that change all the time.
type adviceKey struct {
	finding doctor.Key
	command string
}

// effectsMsg brings the effects for a page.
type effectsMsg struct {
	page  *why
	known map[adviceKey]string
}

// simulate returns the command that computes the effects for the page on the screen, nil if they
// are known or underway. It takes too long for Update.
func (m *Model) simulate() tea.Cmd {
	page := m.whyPage()
	if page == nil {
		return nil
	}
	e, s := &page.effects, page.snapshot
	age := s.Wall.Sub(e.at).Abs()
	if e.underway || len(page.found) == 0 || slices.Equal(e.names, page.names()) && age < effectsEvery && (age < effectsAfter || e.complete(page.found)) {
		return nil
	}
	e.underway, e.names, e.at = true, page.names(), s.Wall
	return computeEffects(page, s, page.found)
}

// whyPage returns the page with the findings, nil unless it is on the screen.
func (m *Model) whyPage() *why {
	if d := m.page(); d != nil {
		page, _ := d.subject.(*why)
		return page
	}
	return nil
}

// complete reports whether the effect of all advice has been computed.
func (e *effects) complete(findings []doctor.Finding) bool {
	for i := range findings {
		for j := range findings[i].Advice {
			if _, known := e.known[keyOfAdvice(&findings[i], &findings[i].Advice[j])]; !known {
				return false
			}
		}
	}
	return true
}

func computeEffects(page *why, s *snapshot.Snapshot, findings []doctor.Finding) tea.Cmd {
	return func() tea.Msg {
		known := map[adviceKey]string{}
		for _, f := range findings {
			f.Advice = slices.Clone(f.Advice) // the screen reads the others meanwhile
			doctor.Effects(s, &f)
			for i := range f.Advice {
				known[keyOfAdvice(&f, &f.Advice[i])] = f.Advice[i].Effect
			}
		}
		return effectsMsg{page, known}
	}
}

func (m *Model) takeEffects(msg effectsMsg) {
	if page := m.whyPage(); page != nil && page == msg.page {
		msg.page.effects.known, msg.page.effects.underway = msg.known, false
	}
}

func keyOfAdvice(f *doctor.Finding, a *doctor.Advice) adviceKey {
	return adviceKey{f.Key(), cmp.Or(a.Command, a.Action)}
}

// of returns the effect of a piece of advice, in words.
func (e *effects) of(f *doctor.Finding, a *doctor.Advice) string {
	if effect, known := e.known[keyOfAdvice(f, a)]; known {
		return printable.String(effect)
	}
	if a.Effect == "" && e.underway {
		return "is being computed"
	}
	return printable.String(a.Effect)
}
