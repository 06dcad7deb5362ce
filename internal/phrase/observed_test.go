package phrase

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestLimits: what would not have been seen keeps the absence of failures from being proved.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		snap snapshot.Snapshot
		want string
	}{
		"all exact": {snapshot.Snapshot{Signals: allExact()}, ""},
		"connect errors off": {
			snapshot.Snapshot{Signals: withModes(map[string]event.Mode{event.SignalConnectErrors: event.Off})},
			"not observed here: connects that fail before a port is chosen",
		},
		"an inferred bind misses UDP": {
			snapshot.Snapshot{Signals: withModes(map[string]event.Mode{
				event.SignalBind: event.Inferred, event.SignalAutobind: event.Off, event.SignalConnect: event.Inferred,
			})},
			"not observed here: failing binds of UDP sockets and UDP sockets without a free port",
		},
		"a signal that an older porttrace did not have": {
			snapshot.Snapshot{Signals: allExact()[:6]}, "not observed here: UDP sockets without a free port",
		},
		"system calls": {
			snapshot.Snapshot{Signals: append(allExact()[1:], event.Signal{Name: event.SignalStates, Mode: event.Exact, Hook: syscallHook})},
			"not observed here: failing calls by io_uring and by 32-bit programs",
		},
		"lost": {snapshot.Snapshot{Signals: allExact(), Health: event.Health{Lost: 5027}}, "5,027 events lost"},
		"gaps": {snapshot.Snapshot{Signals: allExact(), Gaps: make([]snapshot.Gap, 1)}, "parts of the recording are missing"},
	} {
		got := ""
		if limits := Limits(&tc.snap); len(limits) > 0 {
			got = limits[0]
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
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
