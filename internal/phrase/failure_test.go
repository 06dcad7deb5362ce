package phrase

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	target := event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr("10.0.0.2")), Port: 80}
	exhausted := snapshot.Failure{
		Proc: event.Process{Comm: "curl"}, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted,
		Target: target, Count: 3, Last: now.Add(-2 * time.Hour),
	}
	taken := snapshot.Failure{
		Proc: event.Process{ID: event.ProcID{PID: 7}}, Op: event.OpListen, Errno: event.EADDRINUSE, Reason: event.PortTaken,
		Target: target, Count: 9, Last: now.Add(-time.Hour),
	}
	with := func(f snapshot.Failure, change func(*snapshot.Failure)) snapshot.Failure {
		change(&f)
		return f
	}
	for _, tc := range []struct {
		name     string
		failures []snapshot.Failure
		want     string
	}{
		{"none", nil, "none"},
		{
			"highest rate",
			[]snapshot.Failure{with(taken, func(f *snapshot.Failure) { f.Rate, f.Last = 5, now }), with(exhausted, func(f *snapshot.Failure) { f.Rate = 120.4 })},
			"curl cannot connect to 10.0.0.2:80: no free local port (EADDRNOTAVAIL), 120/s; 1 more failure",
		},
		{
			"low rate",
			[]snapshot.Failure{with(taken, func(f *snapshot.Failure) { f.Rate, f.Proc = 0.04, event.Process{} })},
			"an unknown process cannot listen on 10.0.0.2:80: port already in use (EADDRINUSE), <0.1/s",
		},
		{
			"latest of the last minute",
			[]snapshot.Failure{taken, with(exhausted, func(f *snapshot.Failure) { f.Last = now.Add(-12 * time.Second) })},
			"curl could not connect to 10.0.0.2:80: no free local port (EADDRNOTAVAIL), 12s ago",
		},
		{
			"any address",
			[]snapshot.Failure{with(taken, func(f *snapshot.Failure) { f.Rate, f.Last, f.Target = 5, now, event.Endpoint{Port: 443} })},
			"process 7 cannot listen on [::]:443: port already in use (EADDRINUSE), 5.0/s",
		},
		{
			"counted without their targets",
			[]snapshot.Failure{with(exhausted, func(f *snapshot.Failure) { f.Rate, f.Target = 5, event.Endpoint{} })},
			"curl cannot connect to several addresses: no free local port (EADDRNOTAVAIL), 5.0/s",
		},
		{
			"a rate is now, whatever the clock says",
			[]snapshot.Failure{with(exhausted, func(f *snapshot.Failure) { f.Rate = 1 })},
			"curl cannot connect to 10.0.0.2:80: no free local port (EADDRNOTAVAIL), 1.0/s",
		},
		{
			"UDP",
			[]snapshot.Failure{with(taken, func(f *snapshot.Failure) {
				f.Op, f.Proto, f.Reason, f.Target.Port, f.Rate = event.OpBind, event.UDP, event.RangeExhausted, 0, 8
			})},
			"process 7 cannot bind a UDP socket to 10.0.0.2:*: no free local port (EADDRINUSE), 8.0/s",
		},
		{
			"most frequent of earlier",
			[]snapshot.Failure{exhausted, taken},
			"earlier, process 7 could not listen on 10.0.0.2:80: port already in use (EADDRINUSE), 9 times",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := snapshot.Snapshot{Wall: now, Failures: tc.failures, Signals: allExact()}
			if got := firstFailure(&s); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestEveryReasonHasAMeaning(t *testing.T) {
	t.Parallel()
	if reasons["given_up"].words == "" {
		t.Error("a connect() that was given up has no words")
	}
	for r := event.RangeExhausted; r <= event.OtherReason; r++ {
		for _, op := range []event.Op{event.OpConnect, event.OpBind} {
			if !strings.HasSuffix(Reason(op, r), ".") {
				t.Errorf("%s at %s: %q", r, op, Reason(op, r))
			}
		}
	}
}
