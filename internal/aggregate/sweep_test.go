package aggregate

import (
	"math"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func refused(to event.Endpoint) event.Event {
	return with(event.ConnectFail, func(e *event.Event) {
		e.Dst, e.Op, e.Errno, e.Reason = to, event.OpConnect, event.ECONNREFUSED, event.Refused
	})
}

func sumOfFailures(snap *snapshot.Snapshot) (sum uint64) {
	for i := range snap.Failures {
		sum += snap.Failures[i].Count
	}
	if snap.OtherFailures != nil {
		sum += snap.OtherFailures.Count
	}
	return sum
}

// TestSweep: failures towards more targets than there are rows are one sweep with all of
// them, and the rows add up to the total.
func TestSweep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ targets, rounds int }{
		"few": {40, 5}, "more than are counted exactly": {300, 3}, "7,000 again and again": {7_000, 10}, "100,000": {100_000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStream()
			for i := range tc.targets * tc.rounds {
				s.Add([]event.Event{after(time.Duration(i)*10*time.Microsecond, refused(numbered(i%tc.targets)))})
			}
			snap := s.Snapshot(0)
			want := uint64(tc.targets * tc.rounds)
			if got := sumOfFailures(snap); got != want || snap.Totals.ConnectFailures != want {
				t.Errorf("the failures sum up to %d of %d, want %d", got, snap.Totals.ConnectFailures, want)
			}
			if len(snap.Sweeps) != 1 {
				t.Fatalf("%d sweeps", len(snap.Sweeps))
			}
			one := snap.Sweeps[0]
			if math.Abs(float64(one.Targets)/float64(tc.targets)-1) > 0.02 || one.Estimated != (tc.targets > exactTargets) {
				t.Errorf("%d targets (estimated: %v), want %d", one.Targets, one.Estimated, tc.targets)
			}
			if one.Count != want || one.Proc.ID != shop || one.Reason != event.Refused || one.Rate == 0 {
				t.Errorf("got %+v", one)
			}
		})
	}
}

// TestFailuresForWantOfAPortStay: they are not forgotten for a scan that fails elsewhere,
// and neither is what fails most often.
func TestFailuresForWantOfAPortStay(t *testing.T) {
	t.Parallel()
	s := newStream()
	for range 50 {
		s.Add([]event.Event{with(event.ConnectFail, func(e *event.Event) {
			e.Op, e.Errno, e.Reason = event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
		})})
	}
	for range 1000 {
		s.Add([]event.Event{refused(mail)})
	}
	for i := range 100_000 {
		s.Add([]event.Event{after(time.Second, refused(numbered(i)))})
	}
	snap := s.Snapshot(0)
	found := map[event.Endpoint]uint64{}
	for i := range snap.Failures {
		found[snap.Failures[i].Target] = snap.Failures[i].Count
	}
	if found[web] != 50 || found[mail] != 1000 {
		t.Errorf("%d for want of a port, %d refused, want 50 and 1000", found[web], found[mail])
	}
}

// TestSweepsAreBounded: programs that fail once each do not displace the sweep of one.
func TestSweepsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStream()
	for i := range 1000 {
		s.Add([]event.Event{refused(numbered(i))})
	}
	for i := range 20_000 {
		s.Add([]event.Event{after(time.Second, with(event.ConnectFail, func(e *event.Event) {
			e.Proc.PID, e.Dst, e.Op = uint32(1000+i), numbered(i), event.OpConnect
		}))})
	}
	snap := s.Snapshot(0)
	if got, want := sumOfFailures(snap), snap.Totals.ConnectFailures; got != want {
		t.Errorf("the failures sum up to %d, want %d", got, want)
	}
	if len(s.failures.sweeps.byKey) > maxSweeps || len(snap.Sweeps) != 1 || snap.Sweeps[0].Count != 1000 {
		t.Errorf("%d are kept, shown are %+v", len(s.failures.sweeps.byKey), snap.Sweeps)
	}
}

// TestFailuresWithoutDestination: those for which the kernel side had no room count for all
// other destinations, so that these sum up to the whole.
func TestFailuresWithoutDestination(t *testing.T) {
	t.Parallel()
	s := newStream()
	for i := range 100 {
		s.Add([]event.Event{with(event.Open, func(e *event.Event) { e.Dst, e.Src.Port = numbered(i), uint16(40000+i) })})
	}
	s.Add([]event.Event{refused(mail), with(event.ConnectFail, func(e *event.Event) {
		e.Src, e.Dst, e.Count = event.Endpoint{}, event.Endpoint{}, 100
		e.Op, e.Errno, e.Reason, e.Flags = event.OpConnect, event.ECONNREFUSED, event.Refused, event.HadPort
	})})
	snap := s.Snapshot(0)
	requireConsistent(t, snap)
	if got := sumOfDestinations(snap).ConnectFailures; got != 101 {
		t.Errorf("%d failures, want 101", got)
	}
}
