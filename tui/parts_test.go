package tui

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		end   event.Endpoint
		width int
		want  string
	}{
		{cache, 40, "10.0.0.2:6379"},
		{cache, 13, "10.0.0.2:6379"},
		{cache, 12, "10.0.0…:6379"},
		{api, 24, "[2001:db8:85a3::8a…]:443"},
		{event.Endpoint{}, 40, "[::]:*"},
		{event.Endpoint{Port: 80}, 40, "[::]:80"},
		{remote("0.0.0.0", 80), 40, "0.0.0.0:80"},
		{remote("::", 80), 40, "[::]:80"},
		{remote("10.0.0.1", 0), 40, "10.0.0.1:*"},
	} {
		if got := endpoint(tc.end, tc.width); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestProcessKeepsThePID(t *testing.T) {
	t.Parallel()
	if got, want := process(web.ID, web.Comm, 12), "php-f…(4242)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		values []uint32
		width  int
		want   string
	}{
		{nil, 3, "   "},
		{[]uint32{0, 0}, 3, "   "},
		{[]uint32{1, 2, 3, 4, 5, 6, 7, 8}, 8, "▁▂▃▄▅▆▇█"},
		{[]uint32{9, 9, 0, 1, 1000}, 3, " ▁█"},
		{[]uint32{4_294_967_295, 1}, 2, "█▁"},
		{[]uint32{1}, 0, ""},
		{[]uint32{1}, -1, ""},
	} {
		if got := sparkline(tc.values, tc.width); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.values, got, tc.want)
		}
	}
}

// TestColumns finds titles that would be cut, and names without an order.
func TestColumns(t *testing.T) {
	t.Parallel()
	d, s := newDestinations(), newSpaces()
	checkColumns(t, s.withoutNetns)
	checkColumns(t, s.withNetns)
	checkColumns(t, newProcessTable().columns)
	checkColumns(t, newGroupTable().columns)
	checkColumns(t, d.withoutNetns)
	checkColumns(t, d.withNetns)
	checkColumns(t, newFailures().columns)
}

func checkColumns[T any](t *testing.T, columns []column[T]) {
	t.Helper()
	titles := map[string]bool{}
	for _, c := range columns {
		if c.name != "" && c.compare.Compare == nil {
			t.Errorf("%s: there is no order of that name", c.name)
		}
		if c.name != "" && cells(c.title)+1 > c.min {
			t.Errorf("%s: %d cells do not hold the title and the mark", c.title, c.min)
		}
		if titles[c.title] {
			t.Errorf("%s is there twice", c.title)
		}
		titles[c.title] = true
	}
}

// TestHostLineGivesUpTheLeastFirst: a narrow terminal has what names the host and the moment.
func TestHostLineGivesUpTheLeastFirst(t *testing.T) {
	t.Parallel()
	s := fixture()
	for _, tc := range []struct {
		width int
		want  string
	}{
		{200, "porttrace  web-1.example.net  6.8.0-45-generic  03:12:14 UTC  tracing 2m14s"},
		{70, "porttrace  web-1.example.net  6.8.0  03:12:14 UTC  tracing 2m14s"},
		{60, "porttrace  web-1.example.net  03:12:14 UTC  tracing 2m14s"},
		{42, "porttrace  web-1.example.net  03:12:14 UTC"},
		{16, "web-1  03:12:14"},
		{4, ""},
	} {
		if got := join(hostLine(s, "tracing"), tc.width, unpainted()); got != tc.want {
			t.Errorf("at %d: got %q, want %q", tc.width, got, tc.want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	damage, cut := snapshot.Gap{}, snapshot.Gap{Truncated: true}
	for _, tc := range []struct {
		older uint64
		gaps  []snapshot.Gap
		want  string
	}{
		{0, []snapshot.Gap{damage}, "1 gap"},
		{0, []snapshot.Gap{cut}, "truncated"},
		{0, []snapshot.Gap{damage, cut}, "1 gap, truncated"},
		{0, []snapshot.Gap{damage, damage}, "2 gaps"},
		{1200, []snapshot.Gap{damage, cut}, "1,201 gaps, truncated"},
	} {
		if got := missing(&snapshot.Snapshot{OlderGaps: tc.older, Gaps: tc.gaps})[0]; got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
	s := fixture()
	s.Gaps, s.Health.Lost, s.Health.LostDetails = []snapshot.Gap{damage, cut}, 12, 0
	if got := text(screen(120, 24, s)); !strings.Contains(got, "lost 12  1 gap, truncated") || strings.Contains(got, "none lost") {
		t.Errorf("got:\n%s", got)
	}
}

// TestCensusClaimsNothing: what only lists sockets has seen neither failures nor connects.
func TestCensusClaimsNothing(t *testing.T) {
	t.Parallel()
	s := empty()
	s.Signals = event.Signals{{Name: event.SignalStates, Mode: event.Off}, {Name: event.SignalCensus, Mode: event.Inferred}}
	for _, tab := range []string{"2", "3", "4", "5"} {
		for _, height := range []int{24, 40} {
			got := text(screen(130, height, s, tab))
			for _, want := range []string{"FAILURES ARE NOT OBSERVED", "4 Failures -", "nothing is traced here"} {
				if !strings.Contains(got, want) {
					t.Errorf("tab %s: no %q in\n%s", tab, want, got)
				}
			}
			if !strings.Contains(got, "fail/s not seen") && !strings.Contains(got, "not observed ─╮") {
				t.Errorf("tab %s: failures have a figure:\n%s", tab, got)
			}
			for _, claim := range []string{"has failed", "no outgoing connection", "OK", "✔"} {
				if strings.Contains(got, claim) {
					t.Errorf("tab %s claims %q:\n%s", tab, claim, got)
				}
			}
		}
	}
}

// TestSocketLimit: a host with more sockets than are followed says so in the first line.
func TestSocketLimit(t *testing.T) {
	t.Parallel()
	s := fixture()
	if line := text(screen(200, 40, s)); strings.Contains(line, "lower bounds") {
		t.Errorf("all sockets are followed:\n%s", line)
	}
	s.SocketLimit = 131_072
	for width, want := range map[int]string{200: "more than 131,072 sockets: all counts are lower bounds", 100: ">131,072 sockets"} {
		if first, _, _ := strings.Cut(text(screen(width, 40, s)), "\n"); !strings.Contains(first, want) {
			t.Errorf("%d columns: %s", width, first)
		}
	}
}

// Failures that were counted without their targets are not towards the zero address; a bind() asks for it.
func TestSeveralTargets(t *testing.T) {
	t.Parallel()
	for op, want := range map[event.Op]string{event.OpConnect: "several addresses", event.OpBind: "[::]:*"} {
		if got := targetOf(&snapshot.Failure{Proto: event.TCP, Op: op}, 40); got != want {
			t.Errorf("%s: %q, want %q", op, got, want)
		}
	}
}
