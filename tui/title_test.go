package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/theme"
)

// titled is a screen in a window with a title.
func titled(title string, s *snapshot.Snapshot) *Model {
	m := newModel(noContext, Options{Theme: theme.Default(), Title: title})
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	give(m, s)
	return m
}

func TestWindowTitle(t *testing.T) {
	t.Parallel()
	failing := worst("proxy")(t)
	for _, tc := range []struct {
		name string
		m    *Model
		want string
	}{
		{"before the first snapshot", titled("porttrace", nil), "porttrace"},
		{"calm", titled("porttrace", calm()), "porttrace"},
		{"without root", titled("porttrace", censusOnly()), "▲ NO PORT LEFT for 24s - porttrace"},
		{"failing", titled("porttrace", failing), "● " + judge(failing).verdict.Title + " - porttrace"},
		{"none", titled("", fixture()), ""},
		{"hostile", titled("a\x1b]0;x\x07", calm()), `a\x1b]0;x\a`},
	} {
		if got := tc.m.View().WindowTitle; got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	m := titled("porttrace", fixture())
	give(m, calm())
	if got := m.View().WindowTitle; got != "porttrace" {
		t.Errorf("when it is over it is %q", got)
	}
}

// TestBell rings when calls begin to fail, once, and only if it was asked for.
func TestBell(t *testing.T) {
	t.Parallel()
	m := titled("", calm())
	give(m, fixture())
	if m.bell.rung = false; m.ring() != nil {
		t.Error("it rings without being asked to")
	}
	press(m, ":", "bell on", "enter")
	give(m, calm())
	for _, step := range []struct {
		s    *snapshot.Snapshot
		want bool
	}{{calm(), false}, {fixture(), true}, {fixture(), false}, {calm(), false}, {fixture(), true}} {
		m.shown, m.judged = step.s, judge(step.s)
		if got := m.ring() != nil; got != step.want {
			t.Errorf("rings: %v, want %v", got, step.want)
		}
	}
	press(m, ":", "bell off", "enter")
	m.bell.rung = false
	if m.ring() != nil {
		t.Error("it rings though it was turned off")
	}
}

// TestNotesLastUntilTheNextKey, also through new snapshots.
func TestNotesLastUntilTheNextKey(t *testing.T) {
	t.Parallel()
	m := screen(80, 24, fixture(), "m")
	note := m.note.text
	give(m, fixture())
	if note == "" || !strings.Contains(text(m), note) {
		t.Errorf("a snapshot takes the note away:\n%s", text(m))
	}
	if press(m, "down"); strings.Contains(text(m), note) {
		t.Errorf("it stays:\n%s", text(m))
	}
}

// TestKeysThatDoNothingSayWhy.
func TestKeysThatDoNothingSayWhy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		keys []string
		want string
	}{
		{[]string{"]"}, "this is now"},
		{[]string{"4", "/", "absent", "enter", "e"}, "there is no row"},
		{[]string{"4", "/", "absent", "enter", "y"}, "nothing to copy"},
		{[]string{"3", "end", "x"}, "no row in trouble below"},
		{[]string{"1", "g"}, "only processes can be grouped"},
	} {
		if got := text(screen(80, 24, fixture(), tc.keys...)); !strings.Contains(got, tc.want) {
			t.Errorf("%v: no %q in\n%s", tc.keys, tc.want, got)
		}
	}
}
