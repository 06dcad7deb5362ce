package phrase

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

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
			"no connect or bind has failed",
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
			"nothing fails now; earlier, scanner(812) could not connect to about 7,000 targets: connection refused (ECONNREFUSED), 200,000 times",
		},
	} {
		s := snapshot.Snapshot{Wall: testNow, Signals: allExact(), Sweeps: tc.sweeps, Failures: tc.failures}
		for i := range s.Sweeps {
			s.Totals.ConnectFailures += s.Sweeps[i].Count
		}
		if got, _ := Headline(&s); got[0] != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got[0], tc.want)
		}
	}
}

// A failure because of one socket names it, if there is room.
func TestHeadlineNamesHolder(t *testing.T) {
	t.Parallel()
	f := refusal(812, "nginx", 1)
	f.Op, f.Errno, f.Reason, f.Target = event.OpBind, event.EADDRINUSE, event.PortTaken, at("10.0.0.1", 40000)
	curl := event.Process{ID: event.ProcID{PID: 4242}, Comm: "curl"}
	for _, tc := range []struct {
		holder event.Holder
		freeIn time.Duration
		want   string
	}{
		{event.Holder{State: event.StateEstablished, Remote: at("10.0.0.2", 80)}, -1, "curl(4242), ESTABLISHED to 10.0.0.2:80"},
		{event.Holder{State: event.StateEstablished, Remote: at("10.0.0.1", 40000)}, -1, "curl(4242), ESTABLISHED, a connection to itself"},
		{event.Holder{State: event.StateListen}, -1, "curl(4242), LISTEN on 10.0.0.1:40000"},
		{event.Holder{State: event.StateTimeWait, Remote: at("10.0.0.2", 80)}, 43 * time.Second, "curl(4242), TIME_WAIT to 10.0.0.2:80, free in 43s"},
		{event.Holder{State: event.StateTimeWait, Remote: at("10.0.0.2", 80)}, 0, "curl(4242), TIME_WAIT to 10.0.0.2:80, free by now"},
	} {
		tc.holder.Proc, tc.holder.Local = curl.ID, f.Target
		f.HeldBy = &snapshot.HeldBy{Holder: tc.holder, Info: curl, FreeIn: tc.freeIn}
		s := snapshot.Snapshot{Wall: testNow, Signals: allExact(), Failures: []snapshot.Failure{f}}
		want := "nginx(812) cannot bind 10.0.0.1:40000: port already in use (EADDRINUSE) (held by " + tc.want + "), 1.0/s"
		if got, _ := Headline(&s); got[0] != want {
			t.Errorf("got\n%s\nwant\n%s", got[0], want)
		}
	}
}
