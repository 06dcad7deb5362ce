package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var noContext = context.Background()

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// current is the process under the cursor.
func current(t *testing.T, m *Model) event.ProcID {
	t.Helper()
	row := m.panes[processesTab].(*processes).ungrouped.current()
	if row == nil {
		t.Fatal("no row is selected")
	}
	return row.Info.ID
}

func TestCursorStaysOnItsRow(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture(), "down")
	if got := current(t, m); got != proxy.ID {
		t.Fatalf("the cursor is on %v", got)
	}
	later := fixture()
	later.Processes[1].Rates.Opens = 10_000 // haproxy comes first now
	give(m, later)
	if got := current(t, m); got != proxy.ID {
		t.Errorf("a new order moved the cursor to %v", got)
	}
	press(m, "r", ">", ">")
	if got := current(t, m); got != proxy.ID {
		t.Errorf("sorting moved the cursor to %v", got)
	}
	later = fixture()
	later.Processes = append(later.Processes[:1:1], later.Processes[2:]...)
	give(m, later)
	if got := current(t, m); got == proxy.ID {
		t.Error("the cursor is on a row that is gone")
	}
	give(m, fixture())
	if got := current(t, m); got != proxy.ID {
		t.Errorf("the row came back and the cursor is on %v", got)
	}
}

func TestCursorFollowsTheTopUntilItIsMoved(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture())
	later := fixture()
	later.Processes[1].Rates.Opens = 10_000
	give(m, later)
	if got := current(t, m); got != proxy.ID {
		t.Errorf("the cursor is on %v and not on the first row", got)
	}
	press(m, "down", "home")
	give(m, fixture())
	if got := current(t, m); got != web.ID {
		t.Errorf("home holds the cursor on %v", got)
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture())
	order := func() (out []string) {
		for _, row := range m.panes[processesTab].(*processes).ungrouped.rows {
			out = append(out, row.Info.Comm)
		}
		return out
	}
	for _, step := range []struct{ key, mark, want string }{
		{"", "OPEN/s▼", "[php-fpm8.3 haproxy python3  curl]"},
		{"r", "OPEN/s▲", "[curl  python3 haproxy php-fpm8.3]"},
		{"<", "PROGRAM▲", "[ curl haproxy php-fpm8.3 python3]"},
		{"<", "PID▲", "[ haproxy php-fpm8.3 curl python3]"},
		{"r", "PID▼", "[python3 curl php-fpm8.3 haproxy ]"},
		// What a narrow terminal hides is shown once it is sorted by.
		{"<", "CONTAINER/UNIT▲", "[ python3 haproxy php-fpm8.3 curl]"},
	} {
		press(m, step.key)
		if got := fmt.Sprint(order()); got != step.want {
			t.Errorf("after %q: %s, want %s", step.key, got, step.want)
		}
		if !strings.Contains(text(m), step.mark) {
			t.Errorf("after %q the head lacks %q:\n%s", step.key, step.mark, text(m))
		}
	}
}

// headOf is the line of a table with the titles.
func headOf(m *Model) string {
	l := &m.layout
	at := l.top + l.verdict + l.figures + l.strip + l.tabs
	if l.framed {
		at++
	}
	return strings.Split(text(m), "\n")[at]
}

func TestEveryColumnCanBeSortedBy(t *testing.T) {
	t.Parallel()
	for tab, least := range []int{13, 13, 13, 9, 0} {
		m := screen(80, 24, fixture(), fmt.Sprint(tab+1))
		sortable := 0
		for _, c := range m.panes[tab].columnStates() {
			if c.sortable {
				sortable++
			}
		}
		seen := map[string]bool{}
		for range 2 * sortable {
			head := headOf(m)
			at := strings.IndexAny(head, "▼▲")
			if at < 0 {
				t.Fatalf("tab %d: no column is marked: %q", tab, head)
			}
			title := strings.Fields(head[:at])
			seen[title[len(title)-1]] = true
			press(m, ">")
		}
		if len(seen) != sortable || sortable < least {
			t.Errorf("tab %d can be sorted by %d of %d columns, at least %d: %v", tab, len(seen), sortable, least, seen)
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture(), "space")
	later := fixture()
	later.At = later.At.Add(12 * time.Second)
	later.Processes = later.Processes[:1]
	give(m, later)
	if got := text(m); !strings.Contains(got, "haproxy") || !strings.Contains(got, "PAUSED, 12s behind") {
		t.Errorf("the screen is not held:\n%s", got)
	}
	press(m, "p")
	if got := text(m); strings.Contains(got, "haproxy") || strings.Contains(got, "PAUSED") {
		t.Errorf("the newest is not shown:\n%s", got)
	}
}

func TestPauseBeforeTheFirstSnapshot(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, nil, "p")
	give(m, fixture())
	if !strings.Contains(text(m), "php-fpm") {
		t.Error("the first snapshot is kept back")
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture(), "/", "q")
	if m.filter.text() != "q" {
		t.Fatalf("q is not typed: %+v", m.filter)
	}
	press(m, "backspace", "Hap sbin", "enter")
	if shown, all := m.panes[processesTab].counts(); shown != 1 || all != 5 {
		t.Errorf("%d of %d rows are shown", shown, all)
	}
	press(m, "3")
	if shown, _ := m.panes[destinationsTab].counts(); shown != 0 {
		t.Errorf("%d destinations are shown", shown)
	}
	if got := text(m); !strings.Contains(got, `"Hap sbin"`) || !strings.Contains(got, "4 hidden") {
		t.Errorf("no reason for the empty table:\n%s", got)
	}
	press(m, "esc")
	if shown, _ := m.panes[destinationsTab].counts(); shown != 4 {
		t.Errorf("%d destinations are shown once it is cleared", shown)
	}
	press(m, "/", "one two", "ctrl+w")
	if m.filter.text() != "one " {
		t.Errorf("ctrl+w leaves %q", m.filter.text())
	}
	press(m, "ctrl+u", "backspace")
	if m.filter.typing || m.filter.text() != "" || !m.filter.query.Empty() {
		t.Errorf("it is not closed: %+v", m.filter)
	}
}

func TestPasteIntoFilter(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture())
	m.Update(tea.PasteMsg{Content: "lost"})
	press(m, "/")
	m.Update(tea.PasteMsg{Content: "a\x1b[2J\nb"})
	if want := `a\x1b[2J b`; m.filter.text() != want {
		t.Errorf("got %q, want %q", m.filter.text(), want)
	}
	m.Update(tea.PasteMsg{Content: strings.Repeat("x", 1<<20)})
	if len(m.filter.text()) > 256 {
		t.Errorf("%d bytes were taken", len(m.filter.text()))
	}
}

func TestDetailFollowsItsRow(t *testing.T) {
	t.Parallel()
	for tab, key := range []string{"1", "2", "3", "4", "5"} {
		m := screen(80, 24, fixture(), key, "down", "enter")
		title := m.page().title()
		later := fixture()
		later.Wall = later.Wall.Add(time.Second)
		give(m, later)
		if m.page().gone || m.page().title() != title {
			t.Errorf("tab %d: the detail lost its row", tab)
		}
		give(m, empty())
		if got := text(m); !m.page().gone || !strings.Contains(got, "no longer in the table") || !strings.Contains(got, title) {
			t.Errorf("tab %d: no word that the row has gone:\n%s", tab, got)
		}
		press(m, "esc")
		if m.page() != nil {
			t.Errorf("tab %d: esc does not close the detail", tab)
		}
	}
}

func TestSourceEnds(t *testing.T) {
	t.Parallel()
	m := processScreen(80, 24, fixture())
	m.Update(endedMsg{})
	if got := text(m); !strings.Contains(got, "php-fpm") || !strings.Contains(got, "the source has ended") {
		t.Errorf("got:\n%s", got)
	}
	if got := text(func() *Model { m := screen(80, 24, nil); m.Update(endedMsg{}); return m }()); !strings.Contains(got, "ended before") {
		t.Errorf("got:\n%s", got)
	}
}

func TestQuit(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"?"}, {"enter"}} {
		m := screen(80, 24, fixture(), keys...)
		if _, cmd := m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); cmd == nil {
			t.Errorf("q does not quit after %q", keys)
		}
	}
	for _, typing := range []string{"/", ":"} { // there it leaves the line, as in a shell
		m := screen(80, 24, fixture(), typing, "x")
		interrupt := tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
		if _, cmd := m.Update(interrupt); cmd != nil || m.filter.typing || m.asking {
			t.Errorf("ctrl+c does not leave %q", typing)
		}
		if _, cmd := m.Update(interrupt); cmd == nil {
			t.Errorf("ctrl+c does not quit after %q", typing)
		}
	}
}

func TestAnySize(t *testing.T) {
	t.Parallel()
	sizes := [][2]int{{0, 0}, {1, 1}, {2, 1}, {1, 5}, {10, 3}, {3, 40}, {40, 2}, {200, 4}, {300, 100}}
	for _, tc := range allViews() {
		m := screen(80, 24, tc.of(t), tc.keys...)
		for _, size := range sizes {
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			requireFit(t, m, size[0], size[1])
			press(m, "end", "pgup", "up", "home", "pgdown")
			requireFit(t, m, size[0], size[1])
		}
	}
}

func TestViewChangesNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range allViews() {
		m := screen(100, 30, tc.of(t), tc.keys...)
		if first, second := m.View().Content, m.View().Content; first != second {
			t.Errorf("%s: drawn again it is another screen:\n%s\n%s", tc.name, first, second)
		}
	}
}

// TestEveryKeyEverywhere searches for a combination of states that panics, or is too wide.
func TestEveryKeyEverywhere(t *testing.T) {
	t.Parallel()
	keys := []string{
		"up", "down", "pgup", "end", "tab", "1", "2", "3", "4", "5", "enter", "esc", "s", "o", "r", ">", "g", "a", "f", "/", ":", "p",
		"[", "?", "x", "w", "e", "c", "m", "backspace",
	}
	bad, none := hostile(), empty()
	for _, start := range []moment{{}, {none, judge(none)}, {bad, judge(bad)}} {
		for _, a := range keys {
			for _, b := range keys {
				m := screen(60, 12, nil)
				m.Update(snapshotMsg(start))
				press(m, a, b)
				requireFit(t, m, 60, 12)
				press(m, a, "enter", b)
				requireFit(t, m, 60, 12)
			}
			m := screen(60, 12, fixture(), a)
			give(m, empty())
			press(m, keys...)
			requireFit(t, m, 60, 12)
		}
	}
}

func TestOddValues(t *testing.T) {
	t.Parallel()
	s := fixture()
	s.Processes[0].Opens, s.Processes[0].ClosesOut = 1, math.MaxUint64
	s.Processes[1].Opens = math.MaxUint64
	s.Processes[1].Rates.Opens = math.Inf(1)
	s.Processes[2].Rates.Opens = math.NaN()
	s.Processes[3].History = snapshot.HistoryOf(snapshot.Point{Opens: math.MaxUint32}, snapshot.Point{}, snapshot.Point{Opens: 1})
	s.Failures[0].Op, s.Failures[0].Last = 0, time.Time{}
	s.Elapsed = -time.Second
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		requireFit(t, screen(200, 24, s, key), 200, 24)
		requireFit(t, screen(200, 24, s, key, "enter"), 200, 24)
	}
}

// TestQuietWindow: in a part of a recording nothing need have happened to a row that is
// there, and no time is shown then.
func TestQuietWindow(t *testing.T) {
	t.Parallel()
	r := exact.reader()
	begin, _ := r.Span()
	s, err := pipeline.Aggregate(t.Context(), r, pipeline.Options{From: begin.Add(45 * time.Second), To: begin.Add(46 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		m := screen(200, 50, s, tab)
		_, rows := m.panes[m.tab].counts()
		if rows == 0 && m.tab != spacesTab { // those need more than old recordings hold
			t.Errorf("table %s is empty", tab)
		}
		for range rows {
			press(m, "enter")
			if got := text(m); strings.Contains(got, "0001-") || strings.Contains(got, "d ago") {
				t.Errorf("a time that never was:\n%s", got)
			}
			press(m, "esc", "down")
		}
	}
}

// terminal keeps what is written to it, and does something once it is taken over.
type terminal struct {
	bytes.Buffer
	taken func()
}

func (w *terminal) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if bytes.Contains(p, []byte(ansi.SetModeAltScreenSaveCursor)) {
		w.taken()
	}
	return n, err
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	snapshots := make(chan *snapshot.Snapshot, 1)
	snapshots <- fixture()
	reader, writer := io.Pipe()
	defer writer.Close()
	out := &terminal{taken: cancel}
	if err := Run(ctx, Options{Snapshots: snapshots, Input: reader, Output: out}); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{ansi.ResetModeAltScreenSaveCursor, ansi.SetModeTextCursorEnable} {
		if !strings.Contains(out.String(), mode) {
			t.Errorf("the terminal is left without %q: %q", mode, out.String())
		}
	}
}

func TestRunEndsWithAKey(t *testing.T) {
	t.Parallel()
	snapshots := make(chan *snapshot.Snapshot)
	close(snapshots)
	if err := Run(t.Context(), Options{Snapshots: snapshots, Input: strings.NewReader("q"), Output: io.Discard}); err != nil {
		t.Fatal(err)
	}
}
