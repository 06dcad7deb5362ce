package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestGauge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		space snapshot.PortSpace
		width int
		want  string
	}{
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000}}, 9, "░░░░   0%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Live: 5}}, 9, "░░░░  <1%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, TimeWait: 500}}, 9, "██░░  50%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Bound: 999}}, 9, "███░  99%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Bound: 1000}}, 9, "████ 100%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Live: 500, TimeWait: 500, Reusable: 500}}, 9, "██▒▒  50%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Live: 2000}}, 9, "████ 200%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Reusable: 2000}}, 9, "▒▒▒▒   0%"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Live: 5}}, 9, "range ?"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Live: 5}}, 16, "range unknown"},
		{snapshot.PortSpace{Occupancy: event.Occupancy{Capacity: 1000, Live: 500}}, 0, "  50%"},
	} {
		if got := gauge(&tc.space, tc.width); got != tc.want {
			t.Errorf("%+v at %d: got %q, want %q", tc.space, tc.width, got, tc.want)
		}
	}
}

func TestSpaceName(t *testing.T) {
	t.Parallel()
	far := connecting("192.168.100.101", remote("192.168.100.102", 6379))
	six := connecting("2001:db8:85a3::17", api)
	device := connecting("10.0.0.1", cache)
	device.Device = 3
	bind := snapshot.PortSpace{Kind: snapshot.BindSpace, Local: local("10.0.0.1")}
	for _, tc := range []struct {
		space snapshot.PortSpace
		width int
		want  string
	}{
		{far, 60, "192.168.100.101 → 192.168.100.102:6379"},
		{far, 30, "192.16… → 192.168.100.102:6379"},
		{far, 26, "19… → 192.168.100.102:6379"},
		{far, 20, "1… → 192.168.1…:6379"},
		{six, 60, "2001:db8:85a3::17 → [2001:db8:85a3::8a2e:370:7334]:443"},
		{six, 26, "2… → [2001:db8:85a3:…]:443"},
		{device, 40, "10.0.0.1%3 → 10.0.0.2:6379"},
		{bind, 40, "10.0.0.1: bind() to port 0"},
		{snapshot.PortSpace{Kind: snapshot.BindSpace}, 40, "any address: bind() to port 0"},
		{snapshot.PortSpace{Kind: snapshot.BindSpace, Local: local("0.0.0.0")}, 40, "any IPv4 address: bind() to port 0"},
		{snapshot.PortSpace{Kind: snapshot.ConnectSpace, Remote: cache}, 40, "? → 10.0.0.2:6379"},
	} {
		if got := spaceName(&tc.space, tc.width); got != tc.want {
			t.Errorf("at %d: got %q, want %q", tc.width, got, tc.want)
		}
	}
}

func TestBanner(t *testing.T) {
	t.Parallel()
	only := func(changes ...func(*snapshot.PortSpace)) *snapshot.Snapshot {
		space := fixtureSpaces()[1]
		for _, change := range changes {
			change(&space)
		}
		return &snapshot.Snapshot{Wall: fixtureNow, PortSpaces: []snapshot.PortSpace{space}}
	}
	never := func(s *snapshot.PortSpace) { s.Forecast = snapshot.Forecast{Known: true, Never: true} }
	nameless := func(s *snapshot.PortSpace) { s.NetnsName, s.Netns = "", 4_026_532_901 }
	elsewhere := func(s *snapshot.PortSpace) { s.NetnsName = "blue" }
	unheld := func(s *snapshot.PortSpace) { s.Holders, s.Forecast = nil, snapshot.Forecast{} }
	failing := func(s *snapshot.PortSpace) { s.TimeWait, s.LastExhausted = 100, fixtureNow.Add(-9*time.Second) }
	older := func(s *snapshot.PortSpace) { s.Holders = []snapshot.Holder{{TimeWait: 23_900, Before: 23_900}} }
	for _, tc := range []struct {
		snapshot *snapshot.Snapshot
		width    int
		want     string
	}{
		{calm(), 120, ""},
		{empty(), 120, ""},
		{fixture(), 120, "FULL for 24s  10.0.0.1 → 10.0.0.2:6379  php-fpm8.3(4242) holds 27,501 of 28,232 ports, 1 more at risk"},
		{fixture(), 80, "FULL for 24s  10.0.0.1 → 10.0.0.2:6379  php-fpm8.3(4242) holds 27,501, 1 more"},
		{fixture(), 40, "FULL for 24s  10.0.0.1 → 10.0.0.2:6379"},
		{fixture(), 20, "FULL for 24s, 1 more"},
		{starved(), 140, "FULL for 1m14s  10.99.0.2 → 10.99.0.1:8080  report-job(184) holds 246 of 250 ports, shop-api(180) gets none, 1 more at risk"},
		{rangeless(), 120, "NO FREE PORT until 0s ago  10.0.0.1 → 10.0.0.2:6379, php-fpm8.3(4242) gets none"},
		{only(), 140, "84% taken, full in 40 s (35-48 s)  10.0.0.1 → 10.0.0.9:5432  512/s wanted, 459.5/s at most  php-fpm8.3(4242) holds 23,930 of 28,232 ports"},
		{only(), 80, "84% taken, full in 40 s (35-48 s)  10.0.0.1 → 10.0.0.9:5432  php-fpm8.3(4242)"},
		{only(never, elsewhere), 140, "84% taken, never full at this rate  10.0.0.1 → 10.0.0.9:5432 in blue  php-fpm8.3(4242) holds 23,930 of 28,232 ports"},
		{only(never, nameless), 80, "84% taken, never full at this rate  10.0.0.1 → 10.0.0.9:5432  php-fpm8.3(4242)"},
		{only(unheld), 140, "84% taken  10.0.0.1 → 10.0.0.9:5432  512/s wanted, 459.5/s sustainable"},
		{only(failing), 80, "NO FREE PORT until 9s ago, now <1% taken  10.0.0.1 → 10.0.0.9:5432"},
		{only(older), 140, "84% taken, full in 40 s (35-48 s)  10.0.0.1 → 10.0.0.9:5432  unknown owner (from before start) holds 23,900 of 28,232 ports"},
	} {
		if got := join(banner(tc.snapshot), tc.width, &styles{}); got != tc.want {
			t.Errorf("at %d: got %q, want %q", tc.width, got, tc.want)
		}
	}
}

func TestBannerIsOnEveryTable(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"1"}, {"2"}, {"3"}, {"4"}, {"1", "enter"}, {"4", "enter"}} {
		if got := strings.Split(text(screen(120, 24, fixture(), keys...)), "\n")[3]; !strings.HasPrefix(got, "FULL for 24s") {
			t.Errorf("%q: got %q", keys, got)
		}
	}
	if got := text(screen(120, 24, calm())); strings.Contains(got, "FULL for") || strings.Contains(got, "taken") {
		t.Errorf("a banner on a calm host:\n%s", got)
	}
}

// TestSpaceKeepsItsRow: the administrator widens the range, and the row is still the same.
func TestSpaceKeepsItsRow(t *testing.T) {
	t.Parallel()
	m := screen(80, 24, fixture(), "down", "enter")
	wider := fixture()
	for i := range wider.PortSpaces {
		wider.PortSpaces[i].Range.Low, wider.PortSpaces[i].Capacity = 15_000, 46_000
	}
	m.Update(snapshotMsg{snapshot: wider})
	if m.detail.gone {
		t.Error("the detail lost its row")
	}
	own := wider.PortSpaces[1]
	own.PerSocketRange = true
	if keyOfSpace(&own) == keyOfSpace(&wider.PortSpaces[1]) {
		t.Error("sockets with a range of their own are in the space of the others")
	}
}

func TestHolderName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		holder snapshot.Holder
		want   string
	}{
		{snapshot.Holder{Proc: web, Live: 1, Before: 1}, "php-fpm8.3(4242)"},
		{snapshot.Holder{Live: 1, Before: 1}, "unknown owner (from before start)"},
		{snapshot.Holder{Live: 1}, "unknown owner"},
		{snapshot.Holder{Proc: event.Process{ID: web.ID}}, "?(4242)"},
	} {
		if got := holderName(&tc.holder, 40); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// TestNamespaceOfASpace: the screen shows how exact the figures are.
func TestNamespaceOfASpace(t *testing.T) {
	t.Parallel()
	host := text(screen(120, 60, fixture(), "enter"))
	for _, want := range []string{"tcp_tw_reuse is 2", "of at most 131,072", "of all sockets: 2s ago, took 9.0ms"} {
		if !strings.Contains(host, want) {
			t.Errorf("missing: %q\n%s", want, host)
		}
	}
	blue := text(screen(120, 60, fixture(), "end", "enter"))
	for _, want := range []string{"tcp_tw_reuse is 0", "40000-40099", "there can be fewer left"} {
		if !strings.Contains(blue, want) {
			t.Errorf("missing: %q\n%s", want, blue)
		}
	}
}

// TestBindSpaceWithoutAllocations: connections fill it, and no alarm is raised.
func TestBindSpaceWithoutAllocations(t *testing.T) {
	t.Parallel()
	s := calm()
	s.PortSpaces = append(s.PortSpaces, snapshot.PortSpace{Kind: snapshot.BindSpace, Netns: 1, Occupancy: event.Occupancy{Capacity: 100, TimeWait: 100}})
	m := screen(120, 24, s)
	if got := pressure(&s.PortSpaces[100], s.Wall); got != plain {
		t.Errorf("it is painted %v", got)
	}
	rows := m.panes[spacesTab].(*spaces).rows
	if last := rows[len(rows)-1]; last.Kind != snapshot.BindSpace {
		t.Errorf("the last row is %+v", last)
	}
	if banner(s) != nil {
		t.Error("it is in the banner")
	}
}
