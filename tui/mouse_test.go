package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// clickOn presses the left button on the first place at which the screen has a text.
func clickOn(t *testing.T, m *Model, text string) {
	t.Helper()
	x, y := placeOf(t, m, text)
	m.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
}

func placeOf(t *testing.T, m *Model, words string) (x, y int) {
	t.Helper()
	for y, line := range strings.Split(text(m), "\n") {
		if at := strings.Index(line, words); at >= 0 {
			return cells(line[:at]), y
		}
	}
	t.Fatalf("no %q in\n%s", words, text(m))
	return 0, 0
}

func turnWheel(m *Model, to tea.MouseButton) {
	m.Update(tea.MouseWheelMsg{X: 5, Y: m.height / 2, Button: to})
}

// mouseSizes are a screen with frames and one without.
var mouseSizes = []size{{80, 24}, {100, 40}, {160, 50}}

func TestClickOnATab(t *testing.T) {
	t.Parallel()
	for _, size := range mouseSizes {
		m := screen(size.width, size.height, fixture())
		for tab := range tabNames {
			label := ansi.Strip(m.tabLabels()[tab])
			clickOn(t, m, label)
			if m.tab != tab {
				t.Errorf("%v: a click on %q shows %s", size, label, tabNames[m.tab])
			}
		}
	}
}

func TestClickOnARow(t *testing.T) {
	t.Parallel()
	for _, size := range mouseSizes {
		m := processScreen(size.width, size.height, fixture())
		clickOn(t, m, "haproxy")
		if got := current(t, m); got != proxy.ID || m.page() != nil {
			t.Errorf("%v: the cursor is on %v, the detail %v", size, got, way(m))
		}
		clickOn(t, m, "haproxy")
		if got := way(m); len(got) != 1 || got[0] != "haproxy(977)" {
			t.Errorf("%v: a second click opens %q", size, got)
		}
		press(m, "esc")
		clickOn(t, m, "python3")
		if got := current(t, m); got != scraper.ID || m.page() != nil {
			t.Errorf("%v: the cursor is on %v, the detail %v", size, got, way(m))
		}
	}
}

// TestClickOnTheFirstRow: the cursor is on it already.
func TestClickOnTheFirstRow(t *testing.T) {
	t.Parallel()
	m := processScreen(100, 40, fixture())
	clickOn(t, m, "php-fpm8.3 ")
	if got := way(m); len(got) != 1 {
		t.Errorf("it opens %q", got)
	}
}

func TestClickOnAColumn(t *testing.T) {
	t.Parallel()
	for _, size := range mouseSizes {
		m := processScreen(size.width, size.height, fixture())
		for _, want := range []string{"LIVE▼", "LIVE▲", "LIVE▼"} {
			clickOn(t, m, "LIVE")
			if head := headOf(m); !strings.Contains(head, want) {
				t.Errorf("%v: %q, want %s", size, head, want)
			}
		}
		clickOn(t, m, "TIME_WAIT  ")
		clickOn(t, m, "PROGRAM")
		if head := headOf(m); !strings.Contains(head, "PROGRAM▲") {
			t.Errorf("%v: %q", size, head)
		}
	}
}

// TestClickOnTheVerdict opens why; one on the way goes back.
func TestClickOnTheVerdict(t *testing.T) {
	t.Parallel()
	for _, size := range mouseSizes {
		m := screen(size.width, size.height, fixture())
		clickOn(t, m, "cannot connect")
		if page := m.page(); page == nil || !page.isWhy() {
			t.Fatalf("%v: it opens %q", size, way(m))
		}
		clickOn(t, m, "› why and what to do")
		if m.page() != nil {
			t.Errorf("%v: not back: %q", size, way(m))
		}
	}
}

// TestClickOnADoor moves the cursor to it, the next opens it.
func TestClickOnADoor(t *testing.T) {
	t.Parallel()
	for _, size := range mouseSizes[1:] {
		m := screen(size.width, size.height, fixture(), "enter")
		chooseDoor(t, m, "php-fpm8.3")
		clickOn(t, m, "haproxy(977)")
		if len(m.trail) != 1 {
			t.Fatalf("%v: the first click opens %q", size, way(m))
		}
		clickOn(t, m, "haproxy(977)")
		if got := way(m); got[len(got)-1] != "haproxy(977)" {
			t.Errorf("%v: it opens %q", size, got)
		}
	}
}

func TestClickOnTheSide(t *testing.T) {
	t.Parallel()
	m := processScreen(160, 50, fixture(), "down")
	clickOn(t, m, "haproxy.service")
	if got := way(m); len(got) != 1 || got[0] != "haproxy(977)" {
		t.Errorf("it opens %q", got)
	}
}

func TestWheel(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 18, fixture())
	turnWheel(m, tea.MouseWheelDown)
	if got := current(t, m); got != proxy.ID {
		t.Errorf("the cursor is on %v", got)
	}
	turnWheel(m, tea.MouseWheelUp)
	if got := current(t, m); got != web.ID {
		t.Errorf("the cursor is on %v", got)
	}
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 14})
	press(m, "c")
	turnWheel(m, tea.MouseWheelDown)
	if m.page().scroll.offset != 1 {
		t.Errorf("a page is at line %d", m.page().scroll.offset)
	}
	press(m, "esc", "?")
	turnWheel(m, tea.MouseWheelDown)
	if m.help.offset != 1 {
		t.Errorf("the help is at line %d", m.help.offset)
	}
}

// TestMouseInAMenu: it chooses from the menu, and leaves alone what is below it.
func TestMouseInAMenu(t *testing.T) {
	t.Parallel()
	m := processScreen(160, 50, fixture(), "s")
	row := current(t, m)
	turnWheel(m, tea.MouseWheelDown)
	if m.menu.items()[m.menu.cursor].label != "OPENS" || current(t, m) != row {
		t.Errorf("the wheel goes to %q, row %v", m.menu.items()[m.menu.cursor].label, current(t, m))
	}
	for _, outside := range []string{"cannot connect", "Sort processes", "Enter choose"} {
		clickOn(t, m, outside)
		if m.menu == nil || m.page() != nil {
			t.Errorf("a click on %q opens %q", outside, way(m))
		}
	}
	clickOn(t, m, "PROGRAM")
	if m.menu != nil || !strings.Contains(headOf(m), "PROGRAM▲") {
		t.Errorf("a click chooses nothing: %q", headOf(m))
	}
}

// TestClicksElsewhere do nothing, and none panics.
func TestClicksElsewhere(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"enter"}, {"w"}, {"?"}, {"o"}, {"/"}, {":"}, {"2", "/", "absent", "enter"}} {
		for _, s := range []source{made(nothing), made(empty), made(fixture)} {
			for _, size := range []size{{80, 24}, {160, 50}, {20, 5}} {
				m := screen(size.width, size.height, s(t), keys...)
				for y := 0; y <= size.height; y += 2 {
					for x := 0; x <= size.width; x += 26 {
						m.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
						m.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseRight})
						turnWheel(m, tea.MouseWheelDown)
					}
				}
				requireFit(t, m, size.width, size.height)
			}
		}
	}
	m := processScreen(100, 40, fixture())
	before := text(m)
	m.Update(tea.MouseClickMsg{X: 5, Y: 25, Button: tea.MouseRight})
	m.Update(tea.MouseClickMsg{X: 5, Y: 39, Button: tea.MouseLeft})
	if text(m) != before {
		t.Errorf("a click on nothing:\n%s", text(m))
	}
}

// TestMouseIsGivenBack by a key, so that text can be selected, and says so.
func TestMouseIsGivenBack(t *testing.T) {
	t.Parallel()
	m := screen(80, 24, fixture())
	if m.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is not taken")
	}
	if press(m, "m"); m.View().MouseMode != tea.MouseModeNone || !strings.Contains(text(m), "m takes it back") {
		t.Errorf("mode %v:\n%s", m.View().MouseMode, text(m))
	}
	if press(m, "m"); m.View().MouseMode != tea.MouseModeCellMotion || !strings.Contains(text(m), "m gives it back") {
		t.Errorf("mode %v:\n%s", m.View().MouseMode, text(m))
	}
}
