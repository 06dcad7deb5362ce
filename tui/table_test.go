package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// names are the rows of the table of port spaces, from the top.
func names(m *Model) (list []string) {
	rows := m.panes[spacesTab].(*spaces).rows
	for i := range rows {
		list = append(list, spaceName(rows[i], 80))
	}
	return list
}

// processNames are those of the table of processes.
func programs(m *Model) (list []string) {
	for _, p := range m.panes[processesTab].(*processes).ungrouped.rows {
		list = append(list, p.Info.Comm)
	}
	return list
}

// TestIdleRowsAreFolded: what is nearly empty and stays so is one line, with its number and the key.
func TestIdleRowsAreFolded(t *testing.T) {
	t.Parallel()
	m := screen(110, 60, calm())
	if got := len(names(m)); got != 5 || !strings.Contains(text(m), "+ 95 below 5 %, without failures and not filling up  a show all") {
		t.Errorf("%d rows:\n%s", got, text(m))
	}
	if press(m, "a"); len(names(m)) != 100 || strings.Contains(text(m), "show all") {
		t.Errorf("%d rows:\n%s", len(names(m)), text(m))
	}
	if press(m, "a"); len(names(m)) != 5 {
		t.Errorf("folded again they are %d", len(names(m)))
	}
}

// TestNothingThatMattersIsFolded: a space that fails, is filling up or is half full has its row.
func TestNothingThatMattersIsFolded(t *testing.T) {
	t.Parallel()
	s := calm()
	fails, filling, half := connecting("10.0.0.1", cache), connecting("10.0.0.1", database), connecting("10.0.0.1", api)
	fails.Exhausted, fails.LastExhausted = 1, fixtureNow
	filling.Live, filling.OpenRate = 50, 900
	filling.Forecast = snapshot.Forecast{Known: true, ETA: 30 * time.Second, Low: 25 * time.Second, High: 40 * time.Second}
	half.Live = half.Capacity / 2
	s.PortSpaces = append(s.PortSpaces, fails, filling, half)
	m := screen(110, 60, s)
	for _, space := range []snapshot.PortSpace{fails, filling, half} {
		if name := spaceName(&space, 80); !slices.Contains(names(m), name) {
			t.Errorf("%s is folded: %q", name, names(m))
		}
	}
	if shown, all := m.panes[spacesTab].counts(); shown != 5 || all != 103 {
		t.Errorf("%d of %d", shown, all)
	}
}

// TestCursorIsNotFolded: a row that was chosen stays although it has become idle, and one that a
// filter asks for is not folded.
func TestCursorIsNotFolded(t *testing.T) {
	t.Parallel()
	m := screen(110, 60, calm(), "a", "end")
	row := spaceName(m.selectedSpace(), 80)
	press(m, "a")
	if got := spaceName(m.selectedSpace(), 80); got != row || !slices.Contains(names(m), row) {
		t.Errorf("the cursor is on %s, it was on %s; rows %q", got, row, names(m))
	}
	m = screen(110, 60, calm(), "/", "port:8000-8099", "enter")
	if got := len(names(m)); got < 90 {
		t.Errorf("a filter finds %d rows", got)
	}
}

// TestFoldedProcesses: the processes that have ended, of a shell loop.
func TestFoldedProcesses(t *testing.T) {
	t.Parallel()
	m := processScreen(110, 40, worst("prices")(t))
	shown, all := m.panes[processesTab].counts()
	if shown >= all/2 || !strings.Contains(text(m), fmt.Sprintf("+ %d without open sockets, without TIME_WAIT and without activity", all-shown)) {
		t.Errorf("%d of %d:\n%s", shown, all, text(m))
	}
	press(m, "a")
	if shown, _ := m.panes[processesTab].counts(); shown != all {
		t.Errorf("%d of %d", shown, all)
	}
}

// TestFrozenOrder: the figures go on, the order stays; new rows come last, and sorting lets it go.
func TestFrozenOrder(t *testing.T) {
	t.Parallel()
	m := processScreen(110, 40, fixture(), "a", "f")
	before := programs(m)
	later := fixture()
	later.Processes[1].Rates.Opens = 10_000 // haproxy would come first
	one := later.Processes[3]
	one.Info.Comm, one.Info.ID.PID, one.Rates.Opens = "newcomer", 55_555, 50_000
	later.Processes = append(later.Processes, one)
	give(m, later)
	if got := programs(m); !slices.Equal(got, append(slices.Clone(before), "newcomer")) {
		t.Errorf("%q, want %q and then the newcomer", got, before)
	}
	if got := text(m); !strings.Contains(got, "10,000") || !strings.Contains(got, "order frozen (f)") {
		t.Errorf("the figures stand still, or it is not said:\n%s", got)
	}
	press(m, "f")
	if got := programs(m); got[0] != "newcomer" || got[1] != "haproxy" || strings.Contains(text(m), "frozen") {
		t.Errorf("released: %q", got)
	}
	for _, key := range []string{">", "<"} {
		press(m, "f", key)
		if m.panes[processesTab].isFrozen() {
			t.Errorf("%s sorts an order that is frozen", key)
		}
	}
}

// TestFrozenOrderOfOneTable: the others are not frozen.
func TestFrozenOrderOfOneTable(t *testing.T) {
	t.Parallel()
	m := processScreen(110, 40, fixture(), "f", "1")
	if strings.Contains(text(m), "frozen") {
		t.Errorf("the spaces are frozen:\n%s", text(m))
	}
	if press(m, "2"); !strings.Contains(text(m), "frozen") {
		t.Errorf("the processes are no longer:\n%s", text(m))
	}
}

func TestColumnsMenu(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 40, fixture(), "o")
	if got := text(m); !strings.Contains(got, "Columns of Processes") || !strings.Contains(got, "[x] LIVE") || !strings.Contains(got, "[ ] TW_IN") {
		t.Fatalf("got:\n%s", got)
	}
	toggle := func(title string) {
		press(m, "home")
		for range 20 {
			if m.menu.items()[m.menu.cursor].label == title {
				press(m, "enter")
				return
			}
			press(m, "down")
		}
		t.Fatalf("no column %s", title)
	}
	toggle("TW_IN")
	if m.menu == nil {
		t.Fatal("it is closed after one choice")
	}
	if press(m, "esc"); !strings.Contains(headOf(m), "TW_IN") || m.menu != nil {
		t.Errorf("not shown: %q", headOf(m))
	}
	press(m, "o")
	toggle("TW_IN")
	toggle("FAIL")
	toggle("PROGRAM")
	press(m, "esc")
	if head := headOf(m); strings.Contains(head, "FAIL") || strings.Contains(head, "PROGRAM") || strings.Contains(head, "TW_IN") {
		t.Errorf("not hidden: %q", head)
	}
	requireFit(t, m, 80, 40)
	give(m, fixture())
	if head := headOf(m); strings.Contains(head, "FAIL") {
		t.Errorf("the next snapshot brings it back: %q", head)
	}
	if press(m, "4"); !strings.Contains(headOf(m), "COUNT") {
		t.Errorf("another table: %q", headOf(m))
	}
}

// TestEveryColumnCanBeShown on a terminal that is wide enough.
func TestEveryColumnCanBeShown(t *testing.T) {
	t.Parallel()
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		m := screen(118, 40, fixture(), tab)
		for _, c := range m.panes[m.tab].columnStates() {
			if !c.shown {
				m.panes[m.tab].toggleColumn(c.title)
				m.settle()
				if head := headOf(m); !strings.Contains(head, c.title) && !strings.Contains(head, "…") {
					t.Errorf("table %s: %s is not shown: %q", tab, c.title, head)
				}
				requireFit(t, m, 118, 40)
			}
		}
	}
}

// TestNoColumnIsLeft: a table without columns shows nothing, and is no fault.
func TestNoColumnIsLeft(t *testing.T) {
	t.Parallel()
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		m := screen(80, 24, fixture(), tab, "o")
		for range m.panes[m.tab].columnStates() {
			press(m, "enter", "down")
		}
		press(m, "esc", "down", "enter", "esc", "s", "enter", "y")
		requireFit(t, m, 80, 24)
	}
}

func TestSortMenu(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 40, fixture(), "s")
	if got := text(m); !strings.Contains(got, "Sort processes by") || !strings.Contains(got, "▶ ▼   OPEN/s") {
		t.Fatalf("got:\n%s", got)
	}
	press(m, "home", "down", "enter")
	if got := programs(m); m.menu != nil || !slices.IsSorted(got) || !strings.Contains(headOf(m), "PROGRAM▲") {
		t.Errorf("%q under %q", got, headOf(m))
	}
	press(m, "s", "enter") // the same again reverses it
	if got := programs(m); slices.IsSorted(got) || !strings.Contains(headOf(m), "PROGRAM▼") {
		t.Errorf("%q under %q", got, headOf(m))
	}
	press(m, "s", "down", "esc")
	if !strings.Contains(headOf(m), "PROGRAM▼") {
		t.Errorf("Esc chooses: %q", headOf(m))
	}
}

// TestMenuLetters: a letter goes to the next item that begins with it, whatever it does elsewhere.
func TestMenuLetters(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 40, fixture(), "s")
	at := func() string { return m.menu.items()[m.menu.cursor].label }
	for _, step := range []struct{ key, want string }{
		{"s", "SYN_SENT"},
		{"p", "P50 LIFE"},
		{"p", "PID"},
		{"p", "PROGRAM"},
		{"c", "CLOSE_WAIT"},
		{"o", "OPEN/s"},
		{"o", "OPENS"},
		{"z", "OPENS"},
		{"down", "LIVE"},
		{"home", "PID"},
		{"up", "PID"},
	} {
		press(m, step.key)
		if m.menu == nil {
			t.Fatalf("%s has closed it", step.key)
		}
		if at() != step.want {
			t.Errorf("%s is at %s, want %s", step.key, at(), step.want)
		}
	}
	if press(m, "q"); m.menu == nil {
		t.Error("q closes the menu, not the program")
	}
}

// TestMenuScrolls on a terminal that does not hold it.
func TestMenuScrolls(t *testing.T) {
	t.Parallel()
	m := processScreen(60, 8, fixture(), "o", "end")
	if got := text(m); !strings.Contains(got, "▶ [ ] CONTAINER/UNIT") {
		t.Errorf("the last item is not seen:\n%s", got)
	}
	if press(m, "home"); !strings.Contains(text(m), "▶ [x] PID") {
		t.Errorf("the first item is not seen:\n%s", text(m))
	}
	requireFit(t, m, 60, 8)
}

// TestNextFailing: x and X go through the rows in trouble, and say when there is none.
func TestNextFailing(t *testing.T) {
	t.Parallel()
	s := calm()
	for _, i := range []int{20, 60} {
		s.PortSpaces[i].Exhausted, s.PortSpaces[i].LastExhausted = 3, fixtureNow
	}
	m := screen(110, 40, s, "a", "home")
	here := func() uint16 { return m.selectedSpace().Remote.Port }
	seen := map[uint16]bool{}
	var forth []uint16
	for range 5 {
		before := here()
		press(m, "x")
		if here() == before {
			break
		}
		seen[here()] = true
		forth = append(forth, here())
	}
	if len(seen) != 2 || !seen[s.PortSpaces[20].Remote.Port] || !seen[s.PortSpaces[60].Remote.Port] {
		t.Errorf("x goes to %v", forth)
	}
	if got := text(m); !strings.Contains(got, "no row in trouble below the cursor") {
		t.Errorf("it is not said that there are no more:\n%s", got)
	}
	press(m, "X")
	if here() != forth[0] {
		t.Errorf("X goes to %d, want %d", here(), forth[0])
	}
	if press(m, "X", "X"); !strings.Contains(text(m), "no row in trouble above the cursor") {
		t.Errorf("got:\n%s", text(m))
	}
	if press(m, "down"); strings.Contains(text(m), "no row in trouble") {
		t.Errorf("the note stays:\n%s", text(m))
	}
}

// TestFilterOfTheCommandLine: a table that it leaves empty says so.
func TestFilterOfTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		m := screen(110, 40, worst("billing", "--comm=absent")(t), tab)
		if got := text(m); !strings.Contains(got, "filter matches nothing") || !strings.Contains(got, "the filter of the command line matches none of") {
			t.Errorf("table %s: nothing says that there is a filter:\n%s", tab, got)
		}
	}
}
