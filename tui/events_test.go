package tui

import (
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestEventsNewestFirst: the table has all of the snapshot, the newest at the top.
func TestEventsNewestFirst(t *testing.T) {
	t.Parallel()
	s := worst("proxy")(t)
	m := screen(160, 50, s, "5")
	rows := m.panes[eventsTab].(*eventTable).rows
	if len(rows) != len(s.RecentEvents) || len(rows) == 0 {
		t.Fatalf("%d of %d events", len(rows), len(s.RecentEvents))
	}
	if !slices.IsSortedFunc(rows, func(a, b *snapshot.RecentEvent) int { return int(b.Time - a.Time) }) {
		t.Error("not the newest first")
	}
	for _, want := range []string{"connect_fail", "nginx(", "10.88.100.1:- → 10.88.100.2:9000", "EADDRNOTAVAIL"} {
		if !strings.Contains(text(m), want) {
			t.Errorf("no %q in\n%s", want, text(m))
		}
	}
}

// TestEventUnderTheCursor: it stays on its event while newer ones come.
func TestEventUnderTheCursor(t *testing.T) {
	t.Parallel()
	m := screen(110, 40, fixture(), "5", "down", "down")
	at := keyOfEvent(m.panes[eventsTab].(*eventTable).current())
	later := fixture()
	for _, e := range eventsOf(web.ID) {
		e.Time = e.Time.Add(10e9)
		later.RecentEvents = append(later.RecentEvents, snapshot.RecentEvent{Event: e, Process: &web, NetnsName: "host"})
	}
	give(m, later)
	if got := keyOfEvent(m.panes[eventsTab].(*eventTable).current()); got != at {
		t.Errorf("the cursor is on %+v, it was on %+v", got, at)
	}
	if m.panes[eventsTab].cursorAt() != 7 {
		t.Errorf("at row %d", m.panes[eventsTab].cursorAt())
	}
}

// TestEventLeadsOn to its process, its space, and what both lead to.
func TestEventLeadsOn(t *testing.T) {
	t.Parallel()
	m := screen(110, 40, worst("proxy")(t), "5", "enter")
	if got := way(m); len(got) != 1 || got[0] != "connect_fail" {
		t.Fatalf("opened %q", got)
	}
	chooseDoor(t, m, "process")
	press(m, "enter")
	if got := way(m); !strings.HasPrefix(got[1], "nginx(") {
		t.Errorf("the process is %q", got)
	}
	press(m, "esc")
	chooseDoor(t, m, "destination")
	press(m, "enter")
	if got := way(m); got[1] != "10.88.100.1 → 10.88.100.2:9000" {
		t.Errorf("the destination is %q", got)
	}
}

// TestEventsOfARow: only those that are about it.
func TestEventsOfARow(t *testing.T) {
	t.Parallel()
	s := fixture()
	for _, tc := range []struct {
		keys  []string
		about func(*snapshot.RecentEvent) bool
	}{
		{[]string{"2", "down", "e"}, func(e *snapshot.RecentEvent) bool { return e.Proc == proxy.ID }},
		{[]string{"2", "down", "enter", "e"}, func(e *snapshot.RecentEvent) bool { return e.Proc == proxy.ID }},
		{[]string{"1", "e"}, func(e *snapshot.RecentEvent) bool {
			return e.Dst == cache && (e.Src.Addr == local("10.0.0.1") || e.Src.Addr == event.Addr{})
		}},
		{[]string{"3", "e"}, func(e *snapshot.RecentEvent) bool { return e.Dst == cache }},
		{[]string{"4", "end", "e"}, func(e *snapshot.RecentEvent) bool { return e.Src.Port == 443 }},
	} {
		m := screen(110, 60, s, tc.keys...)
		list, is := m.page().subject.(*eventList)
		if !is {
			t.Fatalf("%v: %q", tc.keys, way(m))
		}
		want := 0
		for i := range s.RecentEvents {
			if tc.about(&s.RecentEvents[i]) {
				want++
			}
		}
		if got := len(m.page().doors); got != want || want == 0 || want == len(s.RecentEvents) {
			t.Errorf("%v: %d events of %q, want %d:\n%s", tc.keys, got, list.of.title(), want, text(m))
		}
		before := len(m.trail)
		if press(m, "e"); len(m.trail) != before {
			t.Errorf("%v: e opens the events of the events", tc.keys)
		}
		press(m, "enter")
		if len(m.trail) != before+1 {
			t.Errorf("%v: an event does not open", tc.keys)
		}
	}
}

// TestNoEventsOfARow: the page says so, and among how many events it has searched.
func TestNoEventsOfARow(t *testing.T) {
	t.Parallel()
	s := fixture()
	s.RecentEvents, s.EventsLeftOut = s.RecentEvents[:1], 12_345
	m := screen(110, 40, s, "3", "end", "e")
	for _, want := range []string{"None of the newest events (1) is about it", "12,345 events of busy seconds not listed"} {
		if !strings.Contains(text(m), want) {
			t.Errorf("no %q in\n%s", want, text(m))
		}
	}
}

// TestTracing: signals with their hooks and reasons, and what was lost.
func TestTracing(t *testing.T) {
	t.Parallel()
	s := fixture()
	s.Health.Lost, s.Health.Missed = 17, 4
	s.Gaps = []snapshot.Gap{{Begin: fixtureNow}}
	s.Notices = []snapshot.Notice{{At: fixtureNow, Text: "the last traced process has ended"}}
	m := screen(110, 60, s, "c")
	for _, want := range []string{
		"exact", "inferred  post_bind4", "the kernel refuses trampolines", "17 events lost: counts of calls can be too low", "321 events counted, not listed: the ring was full",
		"4 runs of programs skipped", "damaged at 03:12:14", "the last traced process has ended", "1,234,567 in 2m14s",
	} {
		if !strings.Contains(text(m), want) {
			t.Errorf("no %q in\n%s", want, text(m))
		}
	}
	if press(m, "c"); len(m.trail) != 1 {
		t.Error("c opens it again")
	}
	later := fixture()
	later.Health = event.Health{Events: 2_000_000}
	give(m, later)
	if !strings.Contains(text(m), "2,000,000 in") || !strings.Contains(text(m), "nothing") {
		t.Errorf("not renewed:\n%s", text(m))
	}
}
