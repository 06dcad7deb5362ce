package tui

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// screen is a model with a terminal and a snapshot.
func screen(width, height int, s *snapshot.Snapshot, keys ...string) *Model {
	m := newModel(noContext, Options{})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	if s != nil {
		m.Update(snapshotMsg{snapshot: s})
	}
	press(m, keys...)
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

var screens = []struct {
	name     string
	snapshot func() *snapshot.Snapshot
	keys     []string
}{
	{"beginning", exact.at(4 * time.Second), []string{"2"}},
	{"processes", exact.at(30 * time.Second), []string{"2"}},
	{"destinations", inferred.at(62 * time.Second), []string{"3"}},
	{"failures", inferred.at(whole), []string{"4"}},
	{"process", exact.at(whole), []string{"2", "enter"}},
	{"destination", exact.at(62 * time.Second), []string{"3", "enter"}},
	{"failure", inferred.at(30 * time.Second), []string{"4", "enter"}},
	{"help", exact.at(whole), []string{"?"}},
	{"sorted", exact.at(62 * time.Second), []string{"2", "down", "<", "r"}},
	{"paused", exact.at(4 * time.Second), []string{"2", "p"}},
	{"filter", inferred.at(whole), []string{"2", "/", "SYNC", "enter"}},
	{"filter-typing", exact.at(whole), []string{"2", "/", "absent"}},
	{"damaged", damaged.at(whole), []string{"2"}},
	{"truncated", cutShort.at(whole), []string{"2"}},
	// What no recording holds.
	{"busy-processes", fixture, []string{"2"}},
	{"busy-executables", looping, []string{"2", "g", "g"}},
	{"busy-executable", looping, []string{"2", "g", "g", "enter"}},
	{"busy-containers", looping, []string{"2", "g", "g", "g", "g"}},
	{"busy-units", looping, []string{"2", "g", "g", "g", "g", "g", "s"}},
	{"busy-destinations", fixture, []string{"3"}},
	{"busy-failures", fixture, []string{"4"}},
	{"busy-spaces", fixture, nil},
	{"busy-space", fixture, []string{"enter"}},
	{"busy-space-end", fixture, []string{"enter", "end"}},
	{"calm-spaces", calm, nil},
	{"calm-space", calm, []string{"enter"}},
	{"starved-spaces", starved, nil},
	{"starved-space", starved, []string{"enter"}},
	{"bind-space", starved, []string{"down", "enter"}},
	{"rangeless-spaces", rangeless, nil},
	{"rangeless-space", rangeless, []string{"down", "enter"}},
	{"empty-spaces", empty, nil},
	{"waiting", nothing, nil},
	{"empty-processes", empty, []string{"2"}},
	{"empty-destinations", empty, []string{"3"}},
	{"empty-failures", empty, []string{"4"}},
	{"wide-processes", wide, []string{"2"}},
	{"wide-failures", wide, []string{"4"}},
	{"hostile-spaces", hostile, nil},
	{"hostile-space", hostile, []string{"enter"}},
	{"hostile-processes", hostile, []string{"2"}},
	{"hostile-executables", hostile, []string{"2", "g", "g"}},
	{"hostile-unit", hostile, []string{"2", "g", "g", "g", "g", "g", "enter"}},
	{"hostile-process", hostile, []string{"2", "enter"}},
	{"hostile-destination", hostile, []string{"3", "enter"}},
	{"hostile-failures", hostile, []string{"4"}},
	{"hostile-failure", hostile, []string{"4", "enter"}},
}

// nothing has been seen yet.
func nothing() *snapshot.Snapshot { return nil }

func TestScreen(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {120, 40}, {160, 50}} {
		for _, tc := range screens {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size.width, size.height), func(t *testing.T) {
				m := screen(size.width, size.height, tc.snapshot(), tc.keys...)
				requireFit(t, m, size.width, size.height)
				golden.RequireEqual(t, trimmed(text(m)))
			})
		}
	}
}

// trimmed has no blanks at the ends of lines, which editors take away.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestProfiles pins what is sent to terminals with sixteen colours, to those
// without, and to those that NO_COLOR was set for.
func TestProfiles(t *testing.T) {
	for name, profile := range map[string]colorprofile.Profile{"ansi": colorprofile.ANSI, "ascii": colorprofile.ASCII} {
		t.Run(name, func(t *testing.T) {
			golden.RequireEqual(t, drawn(t, screen(80, 24, fixture(), "4"), profile))
		})
	}
}

func TestNoColourIsSent(t *testing.T) {
	t.Parallel()
	for _, tc := range screens {
		out := drawn(t, screen(120, 40, tc.snapshot(), tc.keys...), colorprofile.ASCII)
		for _, colour := range []string{"\x1b[3", "\x1b[9", "\x1b[4", ";3", ";4", ";9"} {
			if strings.Contains(out, colour) {
				t.Errorf("%s: a colour is set: %q in %q", tc.name, colour, out)
			}
		}
	}
}

// styling is all that the screen itself sends besides text.
var styling = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestNothingFromOutsideReachesTheTerminal(t *testing.T) {
	t.Parallel()
	for _, tc := range screens {
		for _, width := range []int{20, 80, 300} {
			m := screen(width, 40, hostile(), tc.keys...)
			if bad := strings.IndexFunc(strings.ReplaceAll(text(m), "\n", ""), unprintable); bad >= 0 {
				t.Errorf("%s at %d: %q", tc.name, width, text(m)[bad:])
			}
			if rest := styling.ReplaceAllString(m.View().Content, ""); strings.Contains(rest, "\x1b") {
				t.Errorf("%s at %d: a foreign escape sequence in %q", tc.name, width, rest)
			}
		}
	}
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
