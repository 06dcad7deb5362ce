package phrase

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var testNow = time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)

// allExact are signals that miss no failure.
func allExact() event.Signals {
	var signals event.Signals
	for _, name := range event.SignalNames() {
		signals = append(signals, event.Signal{Name: name, Mode: event.Exact})
	}
	return signals
}

// withModes are those with some in another mode.
func withModes(modes map[string]event.Mode) event.Signals {
	signals := allExact()
	for i := range signals {
		if mode, ok := modes[signals[i].Name]; ok {
			signals[i].Mode = mode
		}
	}
	return signals
}

func at(addr string, port uint16) event.Endpoint {
	return event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr(addr)), Port: port}
}

// TestHeadlineNeverClaimsWhatIsNotSeen: without a failure the headline says what would not
// have been seen.
func TestHeadlineNeverClaimsWhatIsNotSeen(t *testing.T) {
	t.Parallel()
	census := event.Signals{
		{Name: event.SignalStates, Mode: event.Off}, {Name: event.SignalCensus, Mode: event.Inferred},
	}
	for _, tc := range []struct {
		name string
		snap snapshot.Snapshot
		want string
	}{
		{"all exact", snapshot.Snapshot{Signals: allExact()}, "no connect or bind has failed"},
		{"no signals", snapshot.Snapshot{}, "no failure seen; which failures are observed is not known"},
		{
			"connect errors off",
			snapshot.Snapshot{Signals: withModes(map[string]event.Mode{event.SignalConnectErrors: event.Off})},
			"no failure seen; not observed here: connects that fail before a port is chosen",
		},
		{
			"an inferred bind misses UDP",
			snapshot.Snapshot{Signals: withModes(map[string]event.Mode{
				event.SignalBind: event.Inferred, event.SignalAutobind: event.Off, event.SignalConnect: event.Inferred,
			})},
			"no failure seen; not observed here: failing binds of UDP sockets and UDP sockets without a free port",
		},
		{
			"a signal that an older porttrace did not have",
			snapshot.Snapshot{Signals: allExact()[:6]},
			"no failure seen; not observed here: UDP sockets without a free port",
		},
		{
			"system calls",
			snapshot.Snapshot{Signals: append(allExact()[1:], event.Signal{Name: event.SignalStates, Mode: event.Exact, Hook: syscallHook})},
			"no failure seen; not observed here: failing calls by io_uring and by 32-bit programs",
		},
		{
			"census",
			snapshot.Snapshot{Signals: census},
			"failures are not observed: only the sockets that exist are listed (tracing takes root)",
		},
		{
			"lost",
			snapshot.Snapshot{Signals: allExact(), Health: event.Health{Lost: 5027}},
			"no failure seen; 5,027 events lost",
		},
		{
			"gaps",
			snapshot.Snapshot{Signals: allExact(), Gaps: make([]snapshot.Gap, 1)},
			"no failure seen; parts of the recording are missing",
		},
		{
			"earlier",
			snapshot.Snapshot{
				Wall: testNow, Signals: withModes(map[string]event.Mode{event.SignalBind: event.Off}),
				Failures: []snapshot.Failure{{Op: event.OpConnect, Errno: event.ECONNREFUSED, Reason: event.Refused, Target: at("10.0.0.2", 80), Count: 2}},
			},
			"no failure seen now; earlier, an unknown process could not connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 2 times; " +
				"not observed here: failing binds",
		},
	} {
		got, level := Headline(&tc.snap)
		if got[0] != tc.want || level != Calm {
			t.Errorf("%s: got, at level %d,\n%s\nwant\n%s", tc.name, level, got[0], tc.want)
		}
		if claims := strings.Contains(strings.Join(got, "\n"), "nothing fails"); claims {
			t.Errorf("%s: a short form claims what is not seen: %q", tc.name, got)
		}
	}
}

// TestHeadlineOfASilentPeer: SYNs without an answer are in the headline, whatever else is.
func TestHeadlineOfASilentPeer(t *testing.T) {
	t.Parallel()
	pair := func(to event.Endpoint, syns int64) snapshot.Pair {
		return snapshot.Pair{Proto: event.TCP, Remote: to, Totals: snapshot.Totals{SynSent: syns}}
	}
	client := func(pid uint32, comm string, pairs ...snapshot.Pair) snapshot.Process {
		return snapshot.Process{Info: event.Process{ID: event.ProcID{PID: pid}, Comm: comm}, Destinations: pairs}
	}
	silent, other := at("10.0.0.9", 80), at("10.0.0.8", 80)
	refused := snapshot.Failure{
		Proc: event.Process{ID: event.ProcID{PID: 9}, Comm: "wget"}, Op: event.OpConnect, Errno: event.ECONNREFUSED, Reason: event.Refused,
		Target: other, Rate: 2, Last: testNow,
	}
	for _, tc := range []struct {
		name  string
		snap  snapshot.Snapshot
		want  string
		level Level
	}{
		{
			"one peer", snapshot.Snapshot{
				Totals: snapshot.Totals{SynSent: 3}, Processes: []snapshot.Process{client(1, "curl", pair(other, 0), pair(silent, 3))},
			}, "3 SYNs to 10.0.0.9:80 sent again, unanswered (curl)", Warning,
		},
		{
			"several", snapshot.Snapshot{Totals: snapshot.Totals{SynSent: 9}, Processes: []snapshot.Process{
				client(1, "curl", pair(silent, 3)), client(2, "curl", pair(silent, 1)), client(3, "a", pair(silent, 1)),
				client(4, "b", pair(silent, 1)), client(5, "c", pair(other, 1)),
			}}, "9 SYNs unanswered: 6 to 10.0.0.9:80 (a, b and 1 more), 3 to others", Warning,
		},
		{
			"after failures",
			snapshot.Snapshot{Totals: snapshot.Totals{SynSent: 2, ConnectFailures: 7}},
			"2 SYNs unanswered; 7 failures earlier", Warning,
		},
		{"nowhere listed", snapshot.Snapshot{Totals: snapshot.Totals{SynSent: 1}}, "1 SYN unanswered", Warning},
		{
			"census", snapshot.Snapshot{
				Signals: event.Signals{{Name: event.SignalCensus, Mode: event.Inferred}},
				PortSpaces: []snapshot.PortSpace{
					{Kind: snapshot.ConnectSpace, Proto: event.TCP, Remote: silent, Occupancy: event.Occupancy{SynSent: 2}},
					{Kind: snapshot.BindSpace, Proto: event.TCP, Occupancy: event.Occupancy{SynSent: 2}},
				},
			}, "2 SYNs to 10.0.0.9:80 sent again, unanswered", Warning,
		},
		{
			"beside a failure",
			snapshot.Snapshot{
				Wall: testNow, Failures: []snapshot.Failure{refused}, Totals: snapshot.Totals{SynSent: 1},
				Processes: []snapshot.Process{client(1, "curl", pair(silent, 1))},
			},
			"wget(9) cannot connect to 10.0.0.8:80: connection refused (ECONNREFUSED), 2.0/s; 1 SYN to 10.0.0.9:80 sent again, unanswered (curl)",
			Failing,
		},
	} {
		if got, level := Headline(&tc.snap); got[0] != tc.want || level != tc.level {
			t.Errorf("%s: got, at level %d,\n%s\nwant\n%s", tc.name, level, got[0], tc.want)
		}
	}
}

// TestSweep: failures that differ only by target, or only by process, are one sentence with
// their common rate.
func TestSweep(t *testing.T) {
	t.Parallel()
	fail := func(pid uint32, comm string, to event.Endpoint, rate float64) snapshot.Failure {
		return snapshot.Failure{
			Proc: event.Process{ID: event.ProcID{PID: pid}, Comm: comm}, Proto: event.TCP, Op: event.OpConnect,
			Errno: event.ECONNREFUSED, Reason: event.Refused, Target: to, Count: 2, Rate: rate, Last: testNow,
		}
	}
	many := func(n int, make func(i int) snapshot.Failure) []snapshot.Failure {
		var all []snapshot.Failure
		for i := range n {
			all = append(all, make(i))
		}
		return all
	}
	target := func(i int) event.Endpoint { return at(fmt.Sprintf("10.1.%d.%d", i/250, i%250), 80) }
	single := fail(7, "wget", at("10.0.0.2", 80), 5)
	old := fail(9, "old", at("10.0.0.3", 80), 0)
	old.Last = testNow.Add(-time.Hour)
	for _, tc := range []struct {
		name     string
		failures []snapshot.Failure
		want     string
	}{
		{
			"one program, many targets",
			append(many(7012, func(i int) snapshot.Failure { return fail(812, "scanner", target(i), 0.5) }), single, old),
			"scanner(812) cannot connect to 7,012 targets: connection refused (ECONNREFUSED), 3,506/s; 1 more failure",
		},
		{
			"one target, many processes",
			many(2137, func(i int) snapshot.Failure { return fail(uint32(100+i), "curl", at("10.0.0.2", 80), 0.05) }),
			"curl ×2,137 cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 107/s",
		},
		{
			"a lower rate than another failure",
			append(many(10, func(i int) snapshot.Failure { return fail(812, "scanner", target(i), 0.4) }), single),
			"wget(7) cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 5.0/s; 1 more failure",
		},
		{
			"few", many(4, func(i int) snapshot.Failure { return fail(812, "scanner", target(i), float64(i)) }),
			"scanner(812) cannot connect to 10.1.0.3:80: connection refused (ECONNREFUSED), 3.0/s; 3 more failures",
		},
		{
			"processes without a name",
			many(6, func(i int) snapshot.Failure { return fail(uint32(i+1), "", target(0), 1+float64(i)/10) }),
			"process 6 cannot connect to 10.1.0.0:80: connection refused (ECONNREFUSED), 1.5/s; 5 more failures",
		},
		{
			"earlier",
			many(6, func(i int) snapshot.Failure {
				f := fail(812, "scanner", target(i), 0)
				f.Last = testNow.Add(-time.Hour)
				return f
			}),
			"nothing fails now; earlier, scanner(812) could not connect to 6 targets: connection refused (ECONNREFUSED), 12 times",
		},
		{
			"UDP",
			many(16, func(i int) snapshot.Failure {
				f := fail(5, "dns", at("10.0.0.2", uint16(i)+1), 1)
				f.Proto, f.Op, f.Errno, f.Reason = event.UDP, event.OpBind, event.EADDRINUSE, event.PortTaken
				return f
			}),
			"dns(5) cannot bind a UDP socket to 16 addresses: port already in use (EADDRINUSE), 16/s",
		},
	} {
		s := snapshot.Snapshot{Wall: testNow, Signals: allExact(), Failures: tc.failures}
		if got, _ := Headline(&s); got[0] != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got[0], tc.want)
		}
	}
}

func TestFailed(t *testing.T) {
	t.Parallel()
	s := snapshot.Snapshot{
		Signals: allExact(), Totals: snapshot.Totals{ConnectFailures: 1200, BindFailures: 18},
		Failures: []snapshot.Failure{
			{Proto: event.UDP, Op: event.OpBind, Count: 15},
			{Proto: event.UDP, Op: event.OpAutobind, Count: 1},
			{Proto: event.TCP, Op: event.OpBind, Count: 2},
		},
	}
	if got, want := Failed(&s), "1,200 connects and 18 binds (16 UDP) failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Signals = withModes(map[string]event.Mode{event.SignalBind: event.Inferred})
	if got, want := Failed(&s), "1,200 connects and 18 binds (16 UDP) seen to fail"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Signals = event.Signals{{Name: event.SignalCensus, Mode: event.Inferred}}
	if got, want := Failed(&s), "failed calls not observed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUDPSpace: a port space of UDP is named as such, whatever allocates from it.
func TestUDPSpace(t *testing.T) {
	t.Parallel()
	s := snapshot.PortSpace{Kind: snapshot.BindSpace, Proto: event.UDP, Local: at("10.0.0.1", 0).Addr}
	if got, want := Space(&s), "10.0.0.1: UDP bind() to port 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Kind, s.Remote = snapshot.ConnectSpace, at("10.0.0.53", 53)
	if got, want := Space(&s), "10.0.0.1 → 10.0.0.53:53/udp"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
