package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// sideText is the pane beside the table or the detail.
func sideText(m *Model) string {
	if m.side == nil {
		return ""
	}
	return m.side.title() + "\n" + ansi.Strip(strings.Join(m.side.lines, "\n"))
}

func TestSideFrom120Columns(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]bool{80: false, 119: false, 120: true, 200: true} {
		m := screen(width, 40, fixture(), "2")
		if got := m.layout.side > 0; got != want || (m.side != nil) != want {
			t.Errorf("at %d columns: a pane of %d", width, m.layout.side)
		}
		if l := &m.layout; l.list+l.side != width {
			t.Errorf("at %d columns: %d and %d", width, l.list, l.side)
		}
	}
}

// TestSideFollowsTheCursor: in every table it is the row that Enter opens.
func TestSideFollowsTheCursor(t *testing.T) {
	t.Parallel()
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		m := screen(160, 50, fixture(), tab)
		first := sideText(m)
		press(m, "down")
		second := sideText(m)
		if first == second || !strings.HasPrefix(second, m.chosen().title()+"\n") {
			t.Errorf("table %s: the row is %q, beside it is\n%s", tab, m.chosen().title(), second)
		}
		if at := strings.Split(second, "\n")[1]; !strings.Contains(text(m), strings.TrimSpace(at)) {
			t.Errorf("table %s: %q is not on the screen:\n%s", tab, at, text(m))
		}
		press(m, "up")
		if sideText(m) != first {
			t.Errorf("table %s: back at the row it is\n%s", tab, sideText(m))
		}
	}
}

// TestSideFollowsTheDoors: in a detail it is what Enter opens.
func TestSideFollowsTheDoors(t *testing.T) {
	t.Parallel()
	m := screen(160, 50, fixture(), "enter")
	for _, door := range []string{"php-fpm8.3(4242)", "haproxy(977)", "destination"} {
		chooseDoor(t, m, door)
		if m.side == nil || m.side.title() != m.page().open().title() {
			t.Errorf("%s: beside it is\n%s", door, sideText(m))
		}
	}
	// Sockets from before start have no process, unless there is a row of those without one.
	s := fixture()
	s.Processes = s.Processes[:4]
	give(m, s)
	chooseDoor(t, m, "unknown owner")
	if m.side != nil || m.layout.list != 160 {
		t.Errorf("what has no detail is %q", sideText(m))
	}
}

// TestSideIsRenewed with each snapshot, and stays what it was while the display is frozen.
func TestSideIsRenewed(t *testing.T) {
	t.Parallel()
	m := screen(160, 50, fixture())
	later := fixture()
	later.PortSpaces[0].Exhausted = 55_555
	press(m, "p")
	give(m, later)
	if strings.Contains(sideText(m), "55,555") {
		t.Errorf("frozen, but it goes on:\n%s", sideText(m))
	}
	if press(m, "p"); !strings.Contains(sideText(m), "55,555") {
		t.Errorf("not renewed:\n%s", sideText(m))
	}
}

// TestSideHasNoCursor: the cursor is in the list.
func TestSideHasNoCursor(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"2"}, {"enter"}, {"2", "enter"}} {
		m := screen(160, 50, fixture(), keys...)
		if strings.Contains(sideText(m), cursorSign) {
			t.Errorf("%v: beside it is\n%s", keys, sideText(m))
		}
		if n := strings.Count(text(m), cursorSign); n != 1 {
			t.Errorf("%v: %d cursors in\n%s", keys, n, text(m))
		}
	}
}

// TestSideWithoutARow: there is none if no row matches, and the note has the whole width.
func TestSideWithoutARow(t *testing.T) {
	t.Parallel()
	m := screen(160, 50, fixture(), "2", "/", "absent", "enter")
	if m.side != nil || m.layout.list != 160 || !strings.Contains(text(m), `no row matches "absent"; `) {
		t.Errorf("got:\n%s", text(m))
	}
}

// TestRoom: the decisive parts are on the first page of the smallest terminal, and a large one has
// charts, a picture and no list without its frame.
func TestRoom(t *testing.T) {
	t.Parallel()
	low := screen(80, 24, worst("proxy")(t))
	for _, want := range []string{"OUT OF PORTS", "cannot connect to 10.88.100.2:9000", "100%", "1,000/1,000", "now", "▓ TIME_WAIT 1,000", "w why"} {
		if !strings.Contains(text(low), want) {
			t.Errorf("no %q at 80x24:\n%s", want, text(low))
		}
	}
	high := screen(200, 60, worst("proxy")(t))
	for _, want := range []string{"╭─ connections/s", "╭─ failures/s", "╭─ sockets", "╭─ [1 Port spaces", "╭─ 10.88.100.1 → 10.88.100.2:9000", "▓▓▓▓", "WITHOUT A PORT", "HELD BY"} {
		if !strings.Contains(text(high), want) {
			t.Errorf("no %q at 200x60:\n%s", want, text(high))
		}
	}
}

// TestFiguresKeepTheirPlace: no figure pushes another, whatever its length.
func TestFiguresKeepTheirPlace(t *testing.T) {
	t.Parallel()
	for _, size := range common {
		few, many := screen(size.width, size.height, calm()), screen(size.width, size.height, fixture())
		for _, name := range []string{"TIME_WAIT", "CLOSE_WAIT", "SYN lost", "open "} {
			a, b := place(few, name), place(many, name)
			if a < 0 || a != b {
				t.Errorf("%s at %d columns is at %d and at %d", name, size.width, a, b)
			}
		}
	}
}

// place is the cell at which a word of the figures begins.
func place(m *Model, word string) int {
	lines := strings.Split(text(m), "\n")
	l := &m.layout
	for _, line := range lines[l.top+l.verdict : l.top+l.verdict+l.figures] {
		if at := strings.Index(line, word); at >= 0 {
			return cells(line[:at])
		}
	}
	return -1
}
