package tui

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestGroupKeyGoesAround(t *testing.T) {
	t.Parallel()
	m := screen(120, 24, looping(), "2")
	for _, step := range []struct {
		title string
		rows  int
	}{{"by program", 5}, {"by executable", 5}, {"by parent", 4}, {"by container", 3}, {"by unit", 5}, {"", 155}} {
		press(m, "g")
		rows, _ := m.panes[processesTab].counts()
		if rows != step.rows || !strings.Contains(text(m), " "+step.title) {
			t.Errorf("%d rows %s, want %d:\n%s", rows, step.title, step.rows, text(m))
		}
	}
	for _, tab := range []string{"1", "3", "4"} {
		before := text(screen(120, 24, looping(), tab))
		if after := text(screen(120, 24, looping(), tab, "g")); after != before {
			t.Errorf("table %s: g changes it:\n%s", tab, after)
		}
	}
}

func TestGroupIsFoundByItsMembers(t *testing.T) {
	t.Parallel()
	m := screen(120, 24, looping(), "2", "g", "/", "31405", "enter")
	if shown, all := m.panes[processesTab].counts(); shown != 1 || all != 5 {
		t.Errorf("%d of %d groups", shown, all)
	}
	if got := text(screen(120, 300, looping(), "2", "g", "/", "31405", "enter", "enter")); !strings.Contains(got, "and 51 more") {
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
		{snapshot.GroupKey{Unknown: true}, snapshot.ByUnit, 18, "(unknown)"},
	} {
		if got := groupName(tc.key, tc.by, tc.width); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
