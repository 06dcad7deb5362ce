package tui

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/tui/clip"
)

// outsideTmux lets clip.Copy send the text to the terminal itself.
func outsideTmux(t *testing.T) {
	t.Helper()
	for _, name := range []string{"TMUX", "TERM", "STY"} {
		t.Setenv(name, "")
	}
}

// copied is what a key sends to the clipboard, and the notice after it.
func copiedBy(t *testing.T, m *Model, key rune) string {
	t.Helper()
	_, cmd := m.Update(tea.KeyPressMsg{Code: key, Text: string(key)})
	if cmd == nil {
		t.Fatalf("%c copies nothing: %q", key, m.note.text)
	}
	// tea.Sequence makes a slice of commands, of a type of its own: the text, and the notice.
	list := reflect.ValueOf(cmd())
	if list.Kind() != reflect.Slice || list.Len() != 2 {
		t.Fatalf("%c: %v", key, list)
	}
	first, _ := list.Index(0).Interface().(tea.Cmd)
	second, _ := list.Index(1).Interface().(tea.Cmd)
	notice, ok := second().(clip.Msg)
	if !ok {
		t.Fatalf("%c: no notice", key)
	}
	if m.Update(notice); !strings.Contains(text(m), "copied ") {
		t.Errorf("%c: it is not said that it was copied:\n%s", key, text(m))
	}
	return fmt.Sprint(first())
}

func TestCopyRow(t *testing.T) {
	outsideTmux(t)
	m := processScreen(160, 40, fixture(), "down")
	got := strings.Split(copiedBy(t, m, 'y'), "\n")
	if len(got) != 2 || !strings.Contains(got[0], "PROGRAM") || !strings.Contains(got[1], "haproxy") {
		t.Errorf("got %q", got)
	}
	for _, line := range got {
		if strings.ContainsAny(line, "\x1b│"+cursorSign) || strings.HasSuffix(line, " ") {
			t.Errorf("more than the row: %q", line)
		}
	}
}

func TestCopyPage(t *testing.T) {
	outsideTmux(t)
	m := screen(100, 30, fixture())
	screenful := text(m)
	got := copiedBy(t, m, 'Y')
	if strings.Contains(got, "\x1b") || got != strings.TrimRight(trimmed(screenful), "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, screenful)
	}
	// Of a detail it is all of it, however much is seen.
	m = screen(80, 24, fixture(), "enter")
	if got := copiedBy(t, m, 'Y'); !strings.Contains(got, "Configuration") || strings.Contains(text(m), "Configuration") || strings.Contains(got, "Esc back") {
		t.Errorf("got\n%s", got)
	}
}

// TestCopyOfADetail: the line under the cursor, or all if there is none.
func TestCopyOfADetail(t *testing.T) {
	outsideTmux(t)
	m := screen(100, 40, fixture(), "enter")
	chooseDoor(t, m, "haproxy(977)")
	if got := copiedBy(t, m, 'y'); !strings.Contains(got, "haproxy(977)") || strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
	m = screen(100, 40, fixture(), "c")
	if got := copiedBy(t, m, 'y'); !strings.Contains(got, "Signals") || !strings.Contains(got, "host ") {
		t.Errorf("got %q", got)
	}
}

// TestCopyAdvice: on the page of causes the cursor goes from advice to advice, and y copies its
// command, as it can be typed, however it is wrapped.
func TestCopyAdvice(t *testing.T) {
	outsideTmux(t)
	advice := fixtureFindings()[1].Advice
	for _, width := range []int{30, 80, 200} {
		m := judgedScreen(width, 40, fixture(), fixtureFindings(), "w")
		if got := copiedBy(t, m, 'y'); got != advice[0].Command {
			t.Errorf("at %d: %q, want %q", width, got, advice[0].Command)
		}
		for range 60 { // it scrolls on its way
			if m.page().cursor == 1 {
				break
			}
			press(m, "down")
		}
		if got := copiedBy(t, m, 'y'); got != advice[1].Command {
			t.Errorf("at %d: %q, want %q", width, got, advice[1].Command)
		}
		if press(m, "enter"); len(m.trail) != 1 {
			t.Errorf("advice leads to %v", way(m))
		}
	}
}

// TestCopyIsInert: what other programs are called does not reach the clipboard as it is, for it is
// pasted into shells.
func TestCopyIsInert(t *testing.T) {
	outsideTmux(t)
	for _, keys := range [][]string{nil, {"2"}, {"4"}, {"5"}, {"enter"}, {"2", "enter"}, {"w"}, {"c"}} {
		for _, key := range "yY" {
			m := judgedScreen(120, 40, hostile(), hostileFindings(), keys...)
			got := strings.ReplaceAll(copiedBy(t, m, key), "\n", "")
			if bad := strings.IndexFunc(got, unprintable); bad >= 0 {
				t.Errorf("%v %c: %q", keys, key, got[bad:])
			}
		}
	}
}

func TestNothingToCopy(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, empty(), "y")
	if !strings.Contains(text(m), "there is nothing to copy") {
		t.Errorf("got:\n%s", text(m))
	}
	requireFit(t, screen(80, 24, nil, "y", "Y"), 80, 24)
}
