package tui

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// way is the titles of the details that were opened, one from the other.
func way(m *Model) (titles []string) {
	for _, d := range m.trail {
		titles = append(titles, d.title())
	}
	return titles
}

// chooseDoor moves the cursor of a detail to the line with a text.
func chooseDoor(t *testing.T, m *Model, text string) {
	t.Helper()
	page := m.page()
	press(m, "home")
	for range len(page.doors) * 3 {
		if at := page.doors[page.cursor].line; strings.Contains(page.lines[at], text) {
			return
		}
		press(m, "down")
	}
	t.Fatalf("no door %q in\n%s", text, strings.Join(page.lines, "\n"))
}

// TestDoors: Enter goes from a space to its holder, from there to another of its spaces and so on,
// and Esc goes back the same way.
func TestDoors(t *testing.T) {
	t.Parallel()
	m := screen(110, 60, fixture(), "enter")
	var back []string
	for _, step := range []struct{ door, title string }{
		{"php-fpm8.3(4242)", "php-fpm8.3(4242)"},
		{"10.0.0.9:5432", "10.0.0.1 → 10.0.0.9:5432"},
		{"destination", "10.0.0.9:5432"},
	} {
		back = append(back, text(m))
		chooseDoor(t, m, step.door)
		press(m, "enter")
		titles := way(m)
		if got := titles[len(titles)-1]; got != step.title {
			t.Fatalf("%s leads to %q, want %q", step.door, got, step.title)
		}
		if !strings.Contains(text(m), "› "+step.title) {
			t.Errorf("the way is not shown:\n%s", text(m))
		}
	}
	for len(back) > 0 {
		press(m, "esc", "home")
		if got, want := text(m), back[len(back)-1]; got != want {
			t.Errorf("not back:\n%s\nwant:\n%s", got, want)
		}
		back = back[:len(back)-1]
	}
	if press(m, "esc"); m.page() != nil {
		t.Error("not back at the table")
	}
}

// TestEveryDoorLeadsSomewhere: of all details of incidents and of made-up hosts.
func TestEveryDoorLeadsSomewhere(t *testing.T) {
	t.Parallel()
	opened := 0
	for _, of := range []source{worst("proxy"), worst("billing"), worst("prices"), worst("sync"), worst("web"), worst("notify"), made(fixture), made(looping), made(starved)} {
		s := of(t)
		for _, tab := range []string{"1", "2", "3", "4", "5"} {
			m := screen(110, 60, s, tab, "enter")
			if m.page() == nil {
				continue
			}
			for i := range m.page().doors {
				d := &m.page().doors[i]
				to := d.open()
				if to == nil { // one that is in another table no more, as a process that has ended
					continue
				}
				if to.title() == "" || !to.update(s) {
					t.Errorf("%s: door %d of %q leads to %q, which is not in the snapshot", tab, i, m.page().title(), to.title())
				}
				opened++
			}
		}
	}
	if opened < 100 {
		t.Errorf("only %d doors", opened)
	}
}

// TestEnterOnADeadDoor: a process that has no row any more.
func TestEnterOnADeadDoor(t *testing.T) {
	t.Parallel()
	s := fixture()
	s.Processes = s.Processes[1:]
	m := screen(110, 60, s, "enter")
	chooseDoor(t, m, "php-fpm8.3(4242)")
	before := text(m)
	press(m, "enter")
	if len(m.trail) != 1 || text(m) != before {
		t.Errorf("it opened %v:\n%s", way(m), text(m))
	}
}

func TestTrailIsBounded(t *testing.T) {
	t.Parallel()
	m := screen(80, 40, fixture(), "enter")
	for range 3 * maxTrail {
		chooseDoor(t, m, "")
		press(m, "enter")
		give(m, fixture())
	}
	if len(m.trail) != maxTrail {
		t.Errorf("%d details deep, at most %d", len(m.trail), maxTrail)
	}
	requireFit(t, m, 80, 40)
	for range maxTrail {
		press(m, "esc")
	}
	if m.page() != nil {
		t.Errorf("still at %v", way(m))
	}
}

// TestBreadcrumbsKeepTheEnd: of a long way the newest part is seen.
func TestBreadcrumbsKeepTheEnd(t *testing.T) {
	t.Parallel()
	m := screen(80, 30, fixture(), "enter")
	chooseDoor(t, m, "php-fpm8.3(4242)")
	press(m, "enter", "w")
	if got := m.tabLine(); !strings.Contains(text(m), "php-fpm8.3(4242) › why and what to do") || strings.Count(got, "php-fpm8.3(4242)") != 1 || cells(got) > 80 {
		t.Errorf("got:\n%s", text(m))
	}
}

// TestCursorStaysOnItsDoor: the rows of a detail change their order, or there are more of them.
func TestCursorStaysOnItsDoor(t *testing.T) {
	t.Parallel()
	m := screen(110, 60, fixture(), "enter")
	chooseDoor(t, m, "haproxy(977)")
	later := fixture()
	holders := later.PortSpaces[0].Holders
	holders[0], holders[2] = holders[2], holders[0]
	give(m, later)
	page := m.page()
	if got := page.lines[page.doors[page.cursor].line]; !strings.Contains(got, "haproxy(977)") {
		t.Errorf("the cursor is on %q", got)
	}
	more := fixture()
	one := snapshot.Holder{Proc: event.Process{ID: event.ProcID{PID: 99, Start: 9}, Comm: "new"}, HeldCount: snapshot.HeldCount{Live: 50_000}}
	more.PortSpaces[0].Holders = append([]snapshot.Holder{one}, more.PortSpaces[0].Holders...)
	give(m, more)
	if got := page.lines[page.doors[page.cursor].line]; !strings.Contains(got, "haproxy(977)") {
		t.Errorf("the cursor is on %q", got)
	}
	press(m, "enter")
	if got := way(m); got[len(got)-1] != "haproxy(977)" {
		t.Errorf("it opens %v", got)
	}
}

// TestDetailsBelowAreRenewed: going back shows what is now, not what was when it was opened.
func TestDetailsBelowAreRenewed(t *testing.T) {
	t.Parallel()
	m := screen(110, 60, fixture(), "enter")
	chooseDoor(t, m, "php-fpm8.3(4242)")
	press(m, "enter")
	later := fixture()
	later.PortSpaces[0].Exhausted = 77_777
	give(m, later)
	press(m, "esc")
	if !strings.Contains(text(m), "77,777 calls found no port") {
		t.Errorf("got:\n%s", text(m))
	}
}

// TestEveryLineOfADetailCanBeReached by the arrow, although the cursor is only on doors.
func TestEveryLineOfADetailCanBeReached(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"enter"}, {"2", "enter"}, {"3", "enter"}, {"4", "enter"}, {"5", "enter"}, {"w"}, {"c"}, {"e"}} {
		m := screen(80, 24, worst("billing")(t), keys...)
		page := m.page()
		seen := make([]bool, len(page.lines))
		look := func() {
			for i := range seen {
				seen[i] = seen[i] || page.scroll.sees(i)
			}
		}
		for look(); ; look() {
			at, cursor := page.scroll.offset, page.cursor
			if press(m, "down"); page.scroll.offset == at && page.cursor == cursor {
				break
			}
		}
		for i := range seen {
			if !seen[i] {
				t.Errorf("%v: line %d is never seen: %q", keys, i, page.lines[i])
				break
			}
		}
	}
}
