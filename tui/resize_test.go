package tui

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

func resize(m *Model, to size) { m.Update(tea.WindowSizeMsg{Width: to.width, Height: to.height}) }

// TestResizeInEveryState: there and back again, nothing is left of the size between.
func TestResizeInEveryState(t *testing.T) {
	t.Parallel()
	for _, v := range allViews() {
		if slices.Contains(v.keys, "end") { // what is at the end depends on what fits
			continue
		}
		m := screen(120, 40, v.of(t), v.keys...)
		before := text(m)
		for _, between := range []size{{80, 24}, {40, 10}, {200, 60}, {119, 40}, {1, 1}} {
			resize(m, between)
			requireFit(t, m, between.width, between.height)
			if resize(m, size{120, 40}); text(m) != before {
				t.Errorf("%s by way of %v:\n%s\nwant:\n%s", v.name, between, text(m), before)
			}
		}
	}
}

// TestResizeKeepsTheCursor on its row and on its door, in sight.
func TestResizeKeepsTheCursor(t *testing.T) {
	t.Parallel()
	m := screen(110, 60, calm(), "a", "end")
	row := spaceName(m.selectedSpace(), 80)
	for _, to := range []size{{80, 24}, {60, 8}, {200, 60}, {80, 12}} {
		resize(m, to)
		if got := spaceName(m.selectedSpace(), 80); got != row || !strings.Contains(text(m), cursorSign) {
			t.Errorf("at %v the cursor is on %q, was on %q:\n%s", to, got, row, text(m))
		}
	}
	m = screen(110, 60, fixture(), "enter")
	chooseDoor(t, m, "haproxy(977)")
	for _, to := range []size{{80, 24}, {160, 50}, {110, 60}} {
		resize(m, to)
		page := m.page()
		if at := page.lines[page.doors[page.cursor].line]; !strings.Contains(at, "haproxy") {
			t.Errorf("at %v the cursor is on %q", to, at)
		}
	}
}
