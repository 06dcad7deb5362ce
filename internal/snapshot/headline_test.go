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
			"any address",
			[]Failure{with(taken, func(f *Failure) { f.Rate, f.Last, f.Target = 5, now, event.Endpoint{Port: 443} })},
			"process 7 fails: EADDRINUSE at [::]:443 (port_taken), 5/s",
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

func TestWorst(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	failed := func(count uint64, rate float64, ago time.Duration) Failure {
		return Failure{Count: count, Rate: rate, Last: now.Add(-ago)}
	}
	for _, tc := range []struct {
		name     string
		failures []Failure
		want     uint64 // its count, 0 for none
		others   int
	}{
		{"none", nil, 0, 0},
		{"only earlier", []Failure{failed(1, 0, 61*time.Second)}, 0, 0},
		{"just a minute ago", []Failure{failed(1, 0, time.Minute)}, 1, 0},
		{"rate before time", []Failure{failed(1, 0, 0), failed(2, 0.2, 4*time.Second), failed(3, 0.1, 0)}, 2, 2},
		{"the latest", []Failure{failed(1, 0, 9*time.Second), failed(2, 0, 8*time.Second), failed(3, 0, time.Hour)}, 2, 1},
		{"equal", []Failure{failed(1, 1, 0), failed(2, 1, 0)}, 1, 1},
		{"a rate is now, whatever the clock says", []Failure{failed(1, 1, time.Hour)}, 1, 0},
	} {
		s := Snapshot{Wall: now, Failures: tc.failures}
		worst, others := s.Worst()
		var got uint64
		if worst != nil {
			got = worst.Count
		}
		if got != tc.want || others != tc.others {
			t.Errorf("%s: got %d and %d others, want %d and %d", tc.name, got, others, tc.want, tc.others)
		}
	}
}
