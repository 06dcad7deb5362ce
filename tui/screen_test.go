package tui

import (
	"bytes"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/theme"
)

// screen is a model with a terminal and a snapshot.
func screen(width, height int, s *snapshot.Snapshot, keys ...string) *Model {
	m := newModel(noContext, Options{Theme: theme.Default()})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	give(m, s)
	press(m, keys...)
	return m
}

// processScreen is the table of processes one by one.
func processScreen(width, height int, s *snapshot.Snapshot, keys ...string) *Model {
	m := screen(width, height, s, "2", ":", "group process", "enter", "home")
	m.panes[processesTab].(*processes).ungrouped.urgent = false // the order is that of the column alone
	m.refresh()
	press(m, keys...)
	return m
}

// give brings a snapshot, judged as that of a live screen.
func give(m *Model, s *snapshot.Snapshot) {
	if s != nil {
		m.Update(snapshotMsg{s, judge(s)})
	}
}

// withEffects ends the simulations of the page of causes, which a command does on a live screen.
func withEffects(m *Model) *Model {
	if page := m.whyPage(); page != nil && page.effects.underway {
		m.Update(computeEffects(page, page.snapshot, page.found)())
	}
	return m
}

// press types keys by their names; what is not a name is typed as text.
func press(m *Model, keys ...string) {
	named := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab},
		"shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
		"pgdown": {Code: tea.KeyPgDown}, "pgup": {Code: tea.KeyPgUp}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
		"backspace": {Code: tea.KeyBackspace}, "space": {Code: tea.KeySpace, Text: " "},
		"shift+left": {Code: tea.KeyLeft, Mod: tea.ModShift}, "shift+right": {Code: tea.KeyRight, Mod: tea.ModShift},
		"ctrl+left": {Code: tea.KeyLeft, Mod: tea.ModCtrl}, "ctrl+right": {Code: tea.KeyRight, Mod: tea.ModCtrl},
		"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
		"ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "ctrl+w": {Code: 'w', Mod: tea.ModCtrl}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl},
	}
	for _, name := range keys {
		if msg, ok := named[name]; ok {
			m.Update(msg)
			continue
		}
		for _, r := range name {
			m.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

// unpainted are styles that write no sequence.
func unpainted() *styles { return newStyles(theme.Theme{}, true, colorprofile.ASCII) }

// text is the screen as characters.
func text(m *Model) string { return ansi.Strip(m.View().Content) }

// drawn is the screen as a terminal of that profile gets it.
func drawn(t *testing.T, m *Model, profile colorprofile.Profile) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := (&colorprofile.Writer{Forward: &out, Profile: profile}).Write([]byte(m.View().Content)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// trimmed has no blanks at the ends of lines, which editors take away.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// requireFit fails when anything is written beyond the edges.
func requireFit(t *testing.T, m *Model, width, height int) {
	t.Helper()
	lines := strings.Split(m.View().Content, "\n")
	if len(lines) > max(height, 1) {
		t.Errorf("%d lines at a height of %d", len(lines), height)
	}
	for _, line := range lines {
		if w := ansi.StringWidthWc(line); w > width {
			t.Errorf("%d cells at a width of %d: %q", w, width, line)
		}
	}
}

// judge judges one snapshot, as the first of a screen.
func judge(s *snapshot.Snapshot) judged { return new(judges).judge(s) }
