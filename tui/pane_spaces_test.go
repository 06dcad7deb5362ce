package tui

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
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
		{snapshot.PortSpace{Kind: snapshot.BindSpace}, 40, "[::]: bind() to port 0"},
		{snapshot.PortSpace{Kind: snapshot.BindSpace, Local: local("0.0.0.0")}, 40, "0.0.0.0: bind() to port 0"},
		{snapshot.PortSpace{Kind: snapshot.ConnectSpace, Remote: cache}, 40, "? → 10.0.0.2:6379"},
	} {
		if got := spaceName(&tc.space, tc.width); got != tc.want {
			t.Errorf("at %d: got %q, want %q", tc.width, got, tc.want)
		}
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
	give(m, wider)
	if m.page().gone {
		t.Error("the detail lost its row")
	}
	own := wider.PortSpaces[1]
	own.PerSocketRange = true
	if own.ID() == wider.PortSpaces[1].ID() {
		t.Error("sockets with a range of their own are in the space of the others")
	}
}

func TestHolderName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		holder snapshot.Holder
		want   string
	}{
		{snapshot.Holder{Proc: web, HeldCount: snapshot.HeldCount{Live: 1, Before: 1}}, "php-fpm8.3(4242)"},
		{snapshot.Holder{HeldCount: snapshot.HeldCount{Live: 1, Before: 1}}, "unknown owner (from before start)"},
		{snapshot.Holder{HeldCount: snapshot.HeldCount{Live: 1}}, "unknown owner"},
		{snapshot.Holder{Proc: event.Process{ID: web.ID}}, "?(4242)"},
	} {
		if got := holderName(&snapshot.ProgramHolders([]snapshot.Holder{tc.holder})[0], 40); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// TestNamespaceOfASpace: the screen shows how exact the figures are.
func TestNamespaceOfASpace(t *testing.T) {
	t.Parallel()
	host := text(screen(110, 90, fixture(), "enter"))
	for _, want := range []string{"tcp_tw_reuse is 2", "of at most 131,072", "of all sockets: 2s ago, took 9.0ms"} {
		if !strings.Contains(host, want) {
			t.Errorf("missing: %q\n%s", want, host)
		}
	}
	blue := text(screen(110, 90, fixture(), "end", "enter"))
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
	s.PortSpaces = append(s.PortSpaces, snapshot.PortSpace{Kind: snapshot.BindSpace, Proto: event.TCP, Netns: 1, Occupancy: event.Occupancy{Capacity: 100, TimeWait: 100}})
	m := screen(120, 24, s)
	if got := pressure(&s.PortSpaces[100], s.Wall); got != plain {
		t.Errorf("it is painted %v", got)
	}
	rows := m.panes[spacesTab].(*spaces).rows
	if last := rows[len(rows)-1]; last.Kind != snapshot.BindSpace {
		t.Errorf("the last row is %+v", last)
	}
	if got := judge(s).verdict; got.Level != verdict.OK {
		t.Errorf("the verdict is %q", got.Title)
	}
}
