package kerneltest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// totalsLoad is a load of which details are lost.
type totalsLoad struct {
	name  string
	ports int // 0: enough
	to    []netip.AddrPort
	jobs  []lab.Client
}

// With a ring that holds next to nothing and is seldom read, details are lost, but
// every total is what the clients counted.
func TestTotalsWithoutDetails(t *testing.T) {
	for _, c := range []totalsLoad{
		{"one client", 0, []netip.AddrPort{serverV4}, []lab.Client{{Count: 500}}},
		{"one client, many threads", 0, []netip.AddrPort{serverV4, serverV6}, []lab.Client{{Count: 800, Threads: 8}}},
		{"many clients", 0, []netip.AddrPort{serverV4, at(serverV4, 81), serverV6, at(serverV6, 81)}, []lab.Client{
			{Count: 400, Threads: 2}, {Count: 400, Threads: 2, Talk: true}, {Count: 400, Socket: lab.Socket{Linger0: true}},
		}},
		{"too many clients", 512, []netip.AddrPort{serverV4}, []lab.Client{
			{Count: 300, Threads: 2}, {Count: 300, Threads: 2, Talk: true}, {Count: 300},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { retry(t, func(a *attempt) { testTotals(a, c) }) })
	}
}

func testTotals(t *attempt, c totalsLoad) {
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4, serverV6) // on port 80; 81 has no server
	if c.ports != 0 {
		narrow(t, client, c.ports)
	}
	tr := begin(t, live.Options{
		Probe: probe.Options{RingBytes: 4096}, ReadInterval: 2 * time.Second,
	}, client, server)
	var jobs []lab.Job
	for i := range c.jobs {
		c.jobs[i].To = c.to
		jobs = append(jobs, &c.jobs[i])
	}
	results := runAll(t, client, "client", jobs...)
	tr.end(nil)

	var opens, closes, fails, withPort int
	for _, r := range results {
		noPort := r.ConnectErrors["EADDRNOTAVAIL"]
		refused := r.ConnectErrors["ECONNREFUSED"]
		if r.Succeeded+noPort+refused != r.Attempted {
			t.Fatalf("a client: %+v", r)
		}
		got := tallyOf(&tr.row(r.PID).Totals)
		want := tally{
			opens: uint64(r.Succeeded + refused), closesOut: uint64(r.Succeeded),
			fails: uint64(noPort + refused), failedOpens: uint64(refused),
		}
		if !tr.isNear(got, want) {
			t.Errorf("process %d is shown with %+v, it counted %+v", r.PID, got, want)
		}
		opens, closes = opens+r.Succeeded+refused, closes+r.Succeeded
		fails, withPort = fails+noPort+refused, withPort+refused
	}
	sum := tallyOf(&tr.snap.Totals)
	want := tally{
		opens: uint64(opens), closesOut: uint64(closes), closesIn: uint64(closes),
		fails: uint64(fails), failedOpens: uint64(withPort),
	}
	if !tr.isNear(sum, want) {
		t.Errorf("totals are %+v, the clients counted %+v", sum, want)
	}
	if h := tr.ledger.health; h.LostDetails == 0 {
		t.Errorf("no details were lost: %+v", h)
	}
	tr.checkFailureRows(results)
}

// checkFailureRows compares the causes of failures with what the clients counted.
func (tr *trace) checkFailureRows(results []lab.Result) {
	tr.t.Helper()
	got, want := map[event.Reason]uint64{}, map[event.Reason]uint64{}
	for _, row := range tr.snap.Failures {
		got[row.Reason] += row.Count
	}
	for _, r := range results {
		want[event.RangeExhausted] += uint64(r.ConnectErrors["EADDRNOTAVAIL"])
		want[event.Refused] += uint64(r.ConnectErrors["ECONNREFUSED"])
	}
	for reason := event.RangeExhausted; reason <= event.OtherReason; reason++ {
		so := tr.near(got[reason], want[reason])
		if reason == event.OtherReason { // is reported if the run that sees the reason was skipped
			so = tr.near(want[reason], got[reason])
		}
		if !so {
			tr.t.Errorf("%s: %d failures, the clients counted %d", reason, got[reason], want[reason])
		}
	}
}

// Calls that are refused leave nothing in the table of sockets, however many there are in a second: the
// failure that ends an open is sent if the open was. No scan has to find that.
func TestRefusedLeaveNothing(t *testing.T) {
	const calls = 2000
	n := newNetns(t)
	w := traceSpacesWith(t, live.Options{ScanInterval: time.Hour}, n)
	r := counted(t, spawn(t, n, "caller", &lab.Client{To: []netip.AddrPort{loopV4}, Count: calls}))
	if r.ConnectErrors["ECONNREFUSED"] != calls {
		t.Fatalf("the client: %+v", r)
	}
	s := w.awaitSnapshot("the last failure", func(s *snapshot.Snapshot) bool {
		return slices.ContainsFunc(s.Processes, func(p snapshot.Process) bool {
			return int(p.Info.ID.PID) == r.PID && p.ConnectFailures == calls
		})
	})
	if row := rowOf(s, loopID(n, loopV4)); row != nil && row.InUse() != 0 {
		t.Errorf("of a space in which all calls were refused: %s", spaceText(row))
	}
}
