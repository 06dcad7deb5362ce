package tui

import (
	"strings"
	"testing"
	"time"

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

// allExact are signals that miss no failure.
func allExact() event.Signals {
	var signals event.Signals
	for _, name := range event.SignalNames() {
		signals = append(signals, event.Signal{Name: name, Mode: event.Exact})
	}
	return signals
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	only := func(f snapshot.Failure) *snapshot.Snapshot {
		return &snapshot.Snapshot{Wall: fixtureNow, Signals: allExact(), Failures: []snapshot.Failure{f}}
	}
	rows := fixtureFailures()
	long := only(rows[3]) // ago
	long.Totals.BindFailures = 2
	once := only(rows[3])
	once.Totals.BindFailures = 1
	once.Notices = []snapshot.Notice{{Text: "the last traced process has ended"}}
	bind := rows[3]
	bind.Last = fixtureNow.Add(-12 * time.Second)
	nameless := snapshot.Failure{Op: event.OpAutobind, Errno: event.EAGAIN, Last: fixtureNow, Rate: 2}
	for _, tc := range []struct {
		snapshot *snapshot.Snapshot
		width    int
		want     string
	}{
		{&snapshot.Snapshot{Signals: allExact()}, 80, "no connect or bind has failed"},
		{&snapshot.Snapshot{}, 80, "no failure seen; which failures are observed is not known"},
		{long, 80, "nothing fails now; 2 failures earlier"},
		{once, 80, "nothing fails now; 1 failure earlier  the last traced process has ended"},
		{long, 30, "nothing fails now"},
		{only(bind), 90, "haproxy(977) could not bind 0.0.0.0:443: port already in use (EADDRINUSE), 12s ago"},
		{only(bind), 80, "haproxy could not bind 0.0.0.0:443: port already in use (EADDRINUSE), 12s ago"},
		{only(nameless), 80, "an unknown process cannot autobind [::]:*: EAGAIN, 2.0/s"},
		{fixture(), 120, "php-fpm8.3(4242) cannot connect to 10.0.0.2:6379: ~no free local port (EADDRNOTAVAIL), 121/s; 1 more failure"},
		{fixture(), 100, "php-fpm8.3(4242) cannot connect to 10.0.0.2:6379: ~no free local port (EADDRNOTAVAIL), 121/s"},
		{fixture(), 90, "php-fpm8.3 cannot connect to 10.0.0.2:6379: ~no free local port (EADDRNOTAVAIL), 121/s"},
		{fixture(), 78, "php-fpm8.3 cannot connect to 10.0.0.2:6379: ~no free local port, 121/s"},
		{fixture(), 50, "php-fpm8.3: ~no free local port, 121/s"},
	} {
		if got := join(verdictLine(tc.snapshot, nil, tc.width), tc.width, &styles{}); got != tc.want {
			t.Errorf("at %d: got %q, want %q", tc.width, got, tc.want)
		}
	}
}

func TestHeaderGivesUpTheLeastFirst(t *testing.T) {
	t.Parallel()
	s := fixture()
	s.Health.Lost = 3
	for _, tc := range []struct {
		width int
		want  string
	}{
		{200, "web-1.example.net  6.8.0-45-generic  2m14s  state exact · connect exact · bind inferred  1,234,567 events  lost 3  321 without detail"},
		{80, "web-1.example.net  6.8.0  2m14s  bind inferred  lost 3  321 without detail"},
		{60, "web-1.example.net  2m14s  ~bind  lost 3  321 without detail"},
		{40, "web-1.example.net  2m14s  ~bind  lost 3"},
		{20, "web-1  2m14s  lost 3"},
		{6, "2m14s"},
		{3, "2m…"},
	} {
		if got := join(hostLine(s), tc.width, &styles{}); got != tc.want {
			t.Errorf("at %d: got %q, want %q", tc.width, got, tc.want)
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
	for _, tab := range []string{"2", "3", "4"} {
		got := text(screen(120, 24, s, tab))
		for _, want := range []string{"failures are not observed", "failures not observed", "Failures -", "nothing is traced here"} {
			if !strings.Contains(got, want) {
				t.Errorf("tab %s: no %q in\n%s", tab, want, got)
			}
		}
		for _, claim := range []string{"has failed", "no outgoing connection", "0 fail/s"} {
			if strings.Contains(got, claim) {
				t.Errorf("tab %s claims %q:\n%s", tab, claim, got)
			}
		}
	}
}
