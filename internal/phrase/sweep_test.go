package phrase

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// firstFailure returns the worst failure of the last minute, else the most frequent earlier one, and
// how many more there are.
func firstFailure(s *snapshot.Snapshot) string {
	if recent := SumFailures(s, s.Recent); len(recent) > 0 {
		text := recent[0].Sentence(s.Wall)
		if more := len(recent) - 1; more > 0 {
			text += "; " + Plural(more, "more failure")
		}
		return text
	}
	past := SumFailures(s, func(*snapshot.Failure) bool { return true })
	if len(past) == 0 {
		return "none"
	}
	return "earlier, " + slices.MaxFunc(past, func(a, b *FailureSum) int { return cmp.Compare(a.Count(), b.Count()) }).Earlier()
}

// refusal returns what a scanner gets from each target.
func refusal(pid uint32, comm string, rate float64) snapshot.Failure {
	return snapshot.Failure{
		Proc: event.Process{ID: event.ProcID{PID: pid}, Comm: comm}, Proto: event.TCP, Op: event.OpConnect,
		Errno: event.ECONNREFUSED, Reason: event.Refused, Count: 2, Rate: rate, Last: testNow,
	}
}

// A sweep stands for the rows of its failures, of which most may have gone.
func TestSweepStandsForItsRows(t *testing.T) {
	t.Parallel()
	row := refusal(812, "scanner", 0.1)
	row.Target = at("10.1.0.1", 80)
	sweepOf := func(pid uint32, targets int, rate float64, change ...func(*snapshot.Sweep)) snapshot.Sweep {
		w := snapshot.Sweep{Failure: refusal(pid, "scanner", rate), Targets: targets, Estimated: true}
		w.Count = 200_000
		for _, c := range change {
			c(&w)
		}
		return w
	}
	inferred := func(w *snapshot.Sweep) { w.Inferred = event.FieldErrno }
	givenUp := func(resent uint64) func(*snapshot.Sweep) {
		return func(w *snapshot.Sweep) { w.Errno, w.Reason, w.Resent = 0, event.GivenUp, resent }
	}
	past := func(w *snapshot.Sweep) { w.Rate, w.Last = 0, testNow.Add(-time.Hour) }
	other := refusal(7, "wget", 5)
	other.Target = at("10.0.0.2", 80)
	for _, tc := range []struct {
		name     string
		sweeps   []snapshot.Sweep
		failures []snapshot.Failure
		want     string
	}{
		{
			"one process",
			[]snapshot.Sweep{sweepOf(812, 7000, 4867)},
			[]snapshot.Failure{row, other},
			"scanner(812) cannot connect to about 7,000 targets: connection refused (ECONNREFUSED), 4,867/s; 1 more failure",
		},
		{
			"two processes of a program",
			[]snapshot.Sweep{sweepOf(812, 7000, 4000), sweepOf(813, 500, 10)},
			nil,
			"scanner ×2 cannot connect to about 7,500 targets: connection refused (ECONNREFUSED), 4,010/s",
		},
		{
			"inferred",
			[]snapshot.Sweep{sweepOf(812, 7000, 4867, inferred)},
			nil,
			"scanner(812) cannot connect to about 7,000 targets: connection refused (~ECONNREFUSED), 4,867/s",
		},
		{
			"a slow one",
			[]snapshot.Sweep{sweepOf(812, 7000, 1)},
			[]snapshot.Failure{other},
			"wget(7) cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 5.0/s; 1 more failure",
		},
		{
			"an answer may have been on its way",
			[]snapshot.Sweep{sweepOf(812, 7000, 1, givenUp(0))},
			[]snapshot.Failure{sweepOf(812, 7000, 1, givenUp(0)).Failure},
			"none",
		},
		{
			"no answer",
			[]snapshot.Sweep{sweepOf(812, 7000, 1, givenUp(200_000))},
			nil,
			"scanner(812) cannot connect to about 7,000 targets: gave up waiting for an answer, 1.0/s",
		},
		{
			"earlier",
			[]snapshot.Sweep{sweepOf(812, 7000, 0, past)},
			[]snapshot.Failure{},
			"earlier, scanner(812) could not connect to about 7,000 targets: connection refused (ECONNREFUSED), 200,000 times",
		},
	} {
		s := snapshot.Snapshot{Wall: testNow, Signals: allExact(), Sweeps: tc.sweeps, Failures: tc.failures}
		for i := range s.Sweeps {
			s.Totals.ConnectFailures += s.Sweeps[i].Count
		}
		if got := firstFailure(&s); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
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
			"earlier, scanner(812) could not connect to 6 targets: connection refused (ECONNREFUSED), 12 times",
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
		if got := firstFailure(&s); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
}
