package tui

import (
	"strings"
	"testing"
)

// TestFilterLanguage: what a filter finds in each table of the incidents.
func TestFilterLanguage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		of     source
		tab    string
		filter string
		want   int // rows; -1: all
	}{
		{worst("crawler"), "1", "", -1},
		{worst("crawler"), "1", "dest:10.88.107.135", 1},
		{worst("crawler"), "1", "dest:10.88.107.128/29", 6},
		{worst("crawler"), "1", "!dest:10.88.107.128/29", 34},
		{worst("crawler"), "1", ">80%", 0},
		{worst("crawler"), "1", "/:80$/", -1},
		{worst("billing"), "1", ">80%", 1},
		{worst("billing"), "1", "close_wait:>1000", 1},
		{worst("billing"), "1", "dest::5432", 1},
		{worst("billing"), "1", "!5432", 1},
		{worst("billing"), "2", "billing.py", 1},
		{worst("billing"), "2", "!billing.py unit:billing", 1},
		{worst("prices"), "2", "curl", -2}, // all but the unknown ones
		{worst("web"), "4", "port_taken", -1},
		{worst("web"), "4", "errno:EADDRINUSE", -1},
		{worst("web"), "4", "errno:EPERM", 0},
		{worst("proxy"), "5", "connect_fail", -3},
	} {
		m := screen(110, 40, tc.of(t), tc.tab)
		if m.tab == processesTab {
			m = processScreen(110, 40, tc.of(t))
		}
		press(m, "/", tc.filter, "enter")
		if m.filter.fault != "" {
			t.Errorf("%q: %s", tc.filter, m.filter.fault)
			continue
		}
		shown, all := m.panes[m.tab].counts()
		want := tc.want
		switch want {
		case -1:
			want = all
			if tc.filter == "" {
				want = shown
			}
		case -2:
			want = all - 1
		case -3:
			want = 0
			for i := range m.shown.RecentEvents {
				if m.shown.RecentEvents[i].Kind.String() == "connect_fail" {
					want++
				}
			}
		}
		if shown != want || want == 0 && all == 0 {
			t.Errorf("table %s, %q: %d of %d rows, want %d", tc.tab, tc.filter, shown, all, want)
		}
	}
}

// TestFilterWhileItIsTyped: the rows follow each letter, what is no filter yet changes nothing, and
// the line says what is wrong.
func TestFilterWhileItIsTyped(t *testing.T) {
	t.Parallel()
	m := screen(110, 40, worst("crawler")(t), "/", "dest:10.88.107.13")
	if shown, _ := m.panes[spacesTab].counts(); shown == 40 || !strings.Contains(text(m), " of 40") {
		t.Errorf("%d rows:\n%s", shown, text(m))
	}
	press(m, "ctrl+u", "!107.13")
	before, _ := m.panes[spacesTab].counts()
	press(m, " /(/")
	if shown, _ := m.panes[spacesTab].counts(); shown != before || m.filter.fault == "" || !strings.Contains(text(m), "not a regular expression") {
		t.Errorf("%d rows, %q:\n%s", shown, m.filter.fault, text(m))
	}
	press(m, "backspace", "backspace", "backspace", "backspace")
	if strings.Contains(text(m), "not a regular expression") {
		t.Errorf("the fault stays:\n%s", text(m))
	}
	press(m, "ctrl+u", "dest:nope", "enter")
	if top, _, _ := strings.Cut(text(m), "\n"); !m.filter.typing || strings.Contains(top, "dest:nope") {
		t.Errorf("Enter puts what is no filter in force: %q", top)
	}
	press(m, "ctrl+u", "!107.13", "down", "down")
	if m.panes[spacesTab].cursorAt() != 2 || !m.filter.typing {
		t.Errorf("the arrows move to row %d", m.panes[spacesTab].cursorAt())
	}
}

// TestFilterChip: what is in force is on the screen in every table, with what it leaves.
func TestFilterChip(t *testing.T) {
	t.Parallel()
	m := screen(110, 40, worst("crawler")(t), "/", "107.135", "enter")
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		press(m, tab)
		top, _, _ := strings.Cut(text(m), "\n")
		if !strings.Contains(top, "/107.135 ("+m.matches()+")") {
			t.Errorf("table %s: %q", tab, top)
		}
	}
	press(m, "1", "enter")
	if top, _, _ := strings.Cut(text(m), "\n"); !strings.Contains(top, "/107.135") {
		t.Errorf("a detail: %q", top)
	}
	if press(m, "esc"); m.filter.text() == "" {
		t.Error("Esc leaves the detail and clears the filter at once")
	}
	if press(m, "esc"); strings.Contains(text(m), "/107.135") || m.filter.text() != "" {
		t.Errorf("not cleared:\n%s", text(m))
	}
}

// TestFilterMatchesNothing says so, what is hidden and how to get it back; and what the table cannot
// know.
func TestFilterMatchesNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ tab, filter, want string }{
		{"1", "absent", `no row matches "absent"; 40 hidden, Esc clears the filter`},
		{"1", "errno:EPERM", "this table has no"},
		{"3", "unit:x", "this table has no"},
		{"2", "absent", `no row matches "absent"`},
	} {
		m := screen(118, 40, worst("crawler")(t), tc.tab, "/", tc.filter, "enter")
		if got := text(m); !strings.Contains(got, tc.want) {
			t.Errorf("table %s, %q: no %q in\n%s", tc.tab, tc.filter, tc.want, got)
		}
		press(m, "enter", "w", "e", "y", "x")
		requireFit(t, m, 118, 40)
	}
}

// TestFilterIsHostile: what is pasted into it stays on its line.
func TestFilterIsHostile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{evil, strings.Repeat("データ", 80), "/" + evil + "/", "dest:" + evil, strings.Repeat("(", 200)} {
		for _, width := range []int{20, 80, 200} {
			m := screen(width, 24, hostile(), "/")
			m.paste(text)
			m.settle()
			requireFit(t, m, width, 24)
			requireInert(t, m, "filter")
			press(m, "enter")
			requireFit(t, m, width, 24)
			requireInert(t, m, "filter")
		}
	}
}

// TestFilterCompletes: Tab writes the only field of the table that the last word can begin.
func TestFilterCompletes(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"nginx !close": "nginx !close_wait:", "sta": "state:", "p": "p", "nginx ": "nginx ", "close_wait:>5": "close_wait:>5",
	} {
		m := processScreen(110, 40, worst("billing")(t))
		press(m, "/", typed, "tab")
		if got := m.filter.text(); got != want || !m.filter.typing {
			t.Errorf("%q becomes %q, want %q", typed, got, want)
		}
	}
}
