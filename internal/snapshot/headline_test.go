package snapshot

import (
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestHeadline(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	target := event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr("10.0.0.2")), Port: 80}
	exhausted := Failure{
		Proc: event.Process{Comm: "curl"}, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted,
		Target: target, Count: 3, Last: now.Add(-2 * time.Hour),
	}
	taken := Failure{
		Proc: event.Process{ID: event.ProcID{PID: 7}}, Op: event.OpListen, Errno: event.EADDRINUSE, Reason: event.PortTaken,
		Target: target, Count: 9, Last: now.Add(-time.Hour),
	}
	with := func(f Failure, change func(*Failure)) Failure {
		change(&f)
		return f
	}
	for _, tc := range []struct {
		name     string
		failures []Failure
		want     string
	}{
		{"none", nil, "nothing fails"},
		{
			"highest rate",
			[]Failure{with(taken, func(f *Failure) { f.Rate, f.Last = 5, now }), with(exhausted, func(f *Failure) { f.Rate = 120.4 })},
			"curl fails: EADDRNOTAVAIL towards 10.0.0.2:80 (range_exhausted), 120/s",
		},
		{
			"low rate",
			[]Failure{with(taken, func(f *Failure) { f.Rate, f.Proc = 0.04, event.Process{} })},
			"an unknown process fails: EADDRINUSE at 10.0.0.2:80 (port_taken), 0.1/s",
		},
		{
			"latest of the last minute",
			[]Failure{taken, with(exhausted, func(f *Failure) { f.Last = now.Add(-12 * time.Second) })},
			"curl failed: EADDRNOTAVAIL towards 10.0.0.2:80 (range_exhausted), 12 s ago",
		},
		{
			"most frequent of earlier",
			[]Failure{exhausted, taken},
			"failed earlier: process 7, EADDRINUSE at 10.0.0.2:80 (port_taken), 9 times",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := Snapshot{Wall: now, Failures: tc.failures}
			if got := s.Headline(); got != tc.want {
				t.Errorf("Headline =\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}
