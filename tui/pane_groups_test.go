package tui

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestGroupKeyGoesAround(t *testing.T) {
	t.Parallel()
	m := processScreen(120, 24, looping(), "a")
	groupings := snapshot.Groupings()
	for i := range groupings {
		by := groupings[(i+1)%len(groupings)]
		want, chip := len(m.shown.Processes), " by "+string(by)+" "
		if by != snapshot.ByProcess {
			want = len(snapshot.GroupProcesses(m.shown, by))
		}
		if by == snapshot.ByProgram { // as it is unless it is changed
			chip = ""
		}
		press(m, "g")
		if i == 0 {
			press(m, "a") // the groups are folded on their own
		}
		rows, _ := m.panes[processesTab].counts()
		if rows != want || !strings.Contains(text(m), chip) || chip == "" && strings.Contains(text(m), " by ") {
			t.Errorf("%d rows%s, want %d:\n%s", rows, chip, want, text(m))
		}
	}
	for _, tab := range []string{"1", "3", "4", "5"} {
		m := screen(120, 24, looping(), tab)
		before, rows := strings.Join(m.panes[m.tab].view(116, m.styles), "\n"), m.tab
		if press(m, "g"); m.tab != rows || strings.Join(m.panes[m.tab].view(116, m.styles), "\n") != before {
			t.Errorf("table %s: g changes it:\n%s", tab, text(m))
		}
		if m.note.text == "" {
			t.Errorf("table %s: g does nothing, without a word", tab)
		}
	}
}

func TestGroupIsFoundByItsMembers(t *testing.T) {
	t.Parallel()
	m := screen(110, 24, looping(), "2", ":", "group executable", "enter", "/", "31405", "enter")
	if shown, all := m.panes[processesTab].counts(); shown != 1 || all != 5 {
		t.Errorf("%d of %d groups", shown, all)
	}
	if got := text(screen(110, 300, looping(), "2", ":", "group executable", "enter", "/", "31405", "enter", "enter")); !strings.Contains(got, "and 51 more") {
		t.Errorf("members are left out in silence:\n%s", got)
	}
}

func TestGroupName(t *testing.T) {
	t.Parallel()
	long := snapshot.GroupKey{Name: "/opt/very/long/path/to/the/executable"}
	for _, tc := range []struct {
		key   snapshot.GroupKey
		by    snapshot.Grouping
		width int
		want  string
	}{
		{long, snapshot.ByExecutable, 40, "/opt/very/long/path/to/the/executable"},
		{long, snapshot.ByExecutable, 18, "…/executable"},
		{snapshot.GroupKey{Name: "[kworker/0:1]"}, snapshot.ByExecutable, 18, "[kworker/0:1]"},
		{snapshot.GroupKey{}, snapshot.ByContainer, 18, "(no container)"},
		{snapshot.GroupKey{Unknown: true}, snapshot.ByUnit, 18, "unknown owner"},
	} {
		if got := groupName(tc.key, tc.by, tc.width); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
