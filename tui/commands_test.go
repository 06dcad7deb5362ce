package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// run types a command after ":".
func run(m *Model, command string) tea.Cmd {
	press(m, ":", command)
	_, cmd := m.Update(tea.KeyPressMsg{Code: tea.KeyEnter})
	return cmd
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		command string
		want    func(m *Model) bool
	}{
		{"processes", func(m *Model) bool { return m.tab == processesTab }},
		{"ps", func(m *Model) bool { return m.tab == processesTab }},
		{"events", func(m *Model) bool { return m.tab == eventsTab }},
		{"fail", func(m *Model) bool { return m.tab == failuresTab }},
		{"dest", func(m *Model) bool { return m.tab == destinationsTab }},
		{"spaces", func(m *Model) bool { return m.tab == spacesTab }},
		{"process haproxy", func(m *Model) bool { return way(m)[0] == "haproxy(977)" }},
		{"pid 977", func(m *Model) bool { return way(m)[0] == "haproxy(977)" }},
		{"process haproxy(977)", func(m *Model) bool { return way(m)[0] == "haproxy(977)" }},
		{"space 10.0.0.9:5432", func(m *Model) bool { return way(m)[0] == "10.0.0.1 → 10.0.0.9:5432" }},
		{"why", func(m *Model) bool { return m.page().isWhy() }},
		{"list", func(m *Model) bool { return strings.HasSuffix(way(m)[0], "events") }},
		{"tracing", func(m *Model) bool { return way(m)[0] == "how it is traced" }},
		{"filter 5432", func(m *Model) bool { return len(names(m)) == 1 }},
		{"sort from → to", func(m *Model) bool { return strings.Contains(headOf(m), "FROM → TO▲") }},
		{"column kind", func(m *Model) bool { return strings.Contains(headOf(m), "KIND") }},
		{"group unit", func(m *Model) bool { return strings.Contains(text(m), " by unit ") && m.tab == processesTab }},
		{"theme mono", func(m *Model) bool { return m.theme.Name == "mono" }},
		{"braille on", func(m *Model) bool { return m.styles.braille }},
		{"mouse off", func(m *Model) bool { return m.View().MouseMode == tea.MouseModeNone }},
		{"bell on", func(m *Model) bool { return m.bell.on }},
		{"help", func(m *Model) bool { return m.help != nil }},
	} {
		m := screen(118, 40, fixture())
		run(m, tc.command)
		if m.asking || m.prompt.Fault() != "" || !tc.want(m) {
			t.Errorf("%s: fault %q:\n%s", tc.command, m.prompt.Fault(), text(m))
		}
		requireFit(t, m, 118, 40)
	}
}

func TestCommandFaults(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"sort tomorrow": "no such column", "column x": "no such column", "group x": "want one of", "theme x": "x", "braille maybe": "want on or off",
		"process absent": "no such process", "space absent": "no such port space", "absent": "absent", "03:12": "03:12",
	} {
		m := screen(118, 40, fixture())
		run(m, command)
		if fault := m.prompt.Fault(); !m.asking || !strings.Contains(fault, want) || !strings.Contains(text(m), fault[:min(len(fault), 40)]) {
			t.Errorf("%s: %q:\n%s", command, fault, text(m))
		}
		requireFit(t, m, 118, 40)
		if press(m, "esc"); m.asking {
			t.Errorf("%s: Esc does not leave", command)
		}
	}
}

// TestCommandsBeforeTheFirstSnapshot: none panics.
func TestCommandsBeforeTheFirstSnapshot(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"processes", "process x", "space x", "why", "list", "tracing", "copy", "filter x", "sort FULL", "column FULL", "group unit", "theme mono",
		"mouse off", "help", "record", "03:12", "",
	} {
		m := screen(80, 24, nil)
		run(m, command)
		requireFit(t, m, 80, 24)
		press(m, "esc", "tab")
		give(m, fixture())
		requireFit(t, m, 80, 24)
	}
}

func TestQuitCommand(t *testing.T) {
	t.Parallel()
	cmd := run(screen(80, 24, fixture()), "quit")
	if cmd == nil {
		t.Fatal("nothing")
	}
	if _, quits := cmd().(tea.QuitMsg); !quits {
		t.Error("it does not quit")
	}
}

// TestCandidatesAreInert: names of processes are offered.
func TestCandidatesAreInert(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"p", "process ", "space ", "column ", evil} {
		for _, width := range []int{20, 80, 160} {
			m := screen(width, 30, hostile(), ":")
			m.paste(typed)
			press(m, "tab")
			requireFit(t, m, width, 30)
			requireInert(t, m, typed)
		}
	}
}
