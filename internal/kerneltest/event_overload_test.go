package kerneltest

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// TestOverload: 80,000 and 200,000 connections, with the smallest ring and a reader that comes every five
// seconds, and 60,000 with a limit of detail (20,000 each in a virtual machine, still far more than
// the ring holds); with packets on one processor, and on all. Opens, closes
// and failures by process and destination are what the clients counted, but for runs that are missing:
// those that the kernel skips before the program for skipped runs is attached, which it does if packets
// are spread. What was not listed is shown.
func TestOverload(t *testing.T) {
	stopped := live.Options{Probe: probe.Options{RingBytes: 4096}, ReadInterval: 5 * time.Second}
	limited := live.Options{Probe: probe.Options{DetailLimit: 500}}
	for _, c := range []struct {
		name   string
		opts   live.Options
		size   int  // of 20,000 connections each
		spread bool // the packets between the clients and their server
		reset  bool // of the storm: its accepted ends have their listener as owner, which a full ring may not say
	}{
		{"reader stopped", stopped, fewer(4, 1), false, false},
		{"reader stopped, packets spread", stopped, fewer(10, 1), true, false},
		{"limit", limited, fewer(3, 1), false, true},
		{"limit, packets spread", limited, fewer(3, 1), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			retry(t, func(t *attempt) {
				l := newOverload(t, c.size, c.spread)
				l.storm.Reset = c.reset
				if c.opts.Probe.DetailLimit > 0 {
					l.storm.Rate = float64(l.storm.Count) / 4 // limits are decided once a second
				}
				tr := begin(t, c.opts, l.client, l.server, l.stormNet)
				l.run()
				skipped := skippedRuns(t)
				tr.end(nil)
				l.check(tr)
				missed, read := tr.ledger.health.Missed, c.opts.ReadInterval == 0
				if c.spread && read && skipped >= 500 && missed > skipped/2 {
					t.Errorf("of %d runs that the kernel skipped %d are missing", skipped, missed)
				}
				h := tr.ledger.health
				if limited := c.opts.Probe.DetailLimit > 0; limited != (h.Limited > 0) {
					t.Errorf("%d events were counted by the limit", h.Limited)
				} else if limited {
					l.checkLimits(tr)
				}
				if c.opts.Probe.RingBytes != 0 && h.LostDetails == 0 {
					t.Error("the ring had room: the test shows nothing")
				}
			})
		})
	}
}

// overload is programs that open and close as fast as they can: a storm within one process, and
// clients of a server, to one port that answers and one that refuses.
type overload struct {
	t                        testing.TB
	client, server, stormNet *lab.Netns
	listener                 *lab.Proc
	storm                    lab.Storm
	clients                  []lab.Client

	stormPID int
	made     lab.StormResult
	results  []lab.Result
}

func newOverload(t testing.TB, many int, spread bool) *overload {
	t.Helper()
	l := &overload{t: t, stormNet: newStormNetns(t)}
	l.client, l.server = pair(t)
	noError(t, l.client.PortRange(1024, 65535))
	l.listener = serve(t, l.server, lab.Echo, serverV4)
	l.storm = lab.Storm{Threads: 2, Destinations: 2, Count: 10_000 * many, For: jobLimit}
	l.clients = []lab.Client{
		{To: []netip.AddrPort{serverV4}, Count: 4000 * many, Threads: 2, Socket: lab.Socket{Linger0: true}, For: jobLimit},
		{To: []netip.AddrPort{serverV4}, Count: 4000 * many, Threads: 2, For: jobLimit},
		{To: []netip.AddrPort{at(serverV4, 81)}, Count: 2000 * many, Threads: 2, For: jobLimit},
	}
	if spread {
		for _, n := range []*lab.Netns{l.client, l.server} {
			err := n.SpreadPackets()
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip(err) // CONFIG_RPS
			}
			noError(t, err)
		}
	}
	return l
}

// run returns when all have ended.
func (l *overload) run() {
	l.t.Helper()
	var storm sync.WaitGroup
	p := spawn(l.t, l.stormNet, "storm", &l.storm)
	l.stormPID = p.PID()
	storm.Go(func() {
		if err := p.Decode(&l.made); err != nil {
			l.t.Error(err)
		}
	})
	var jobs []lab.Job
	for i := range l.clients {
		jobs = append(jobs, &l.clients[i])
	}
	l.results = runAll(l.t, l.client, "client", jobs...)
	storm.Wait()
}

// check compares the rows of processes, destinations and failures with what the programs counted.
func (l *overload) check(tr *trace) {
	t := l.t
	t.Helper()
	made := uint64(l.made.Connections)
	if int(made) != l.storm.Count {
		t.Fatalf("the storm made %d connections of %d", made, l.storm.Count)
	}
	if got, want := tallyOf(&tr.row(l.stormPID).Totals), (tally{opens: made, closesOut: made, closesIn: made}); !tr.isAbout(got, want) {
		t.Errorf("the storm is shown with %+v, it counted %+v", got, want)
	}
	for port := range uint16(l.storm.Threads) {
		for i := range byte(l.storm.Destinations) {
			to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, 0, i}), 1000+port)
			each := made / uint64(l.storm.Threads*l.storm.Destinations)
			l.checkDestination(tr, l.stormNet, to, tally{opens: each, closesOut: each})
		}
	}
	var answered, refused uint64
	for _, r := range l.results {
		ok, no := uint64(r.Succeeded), uint64(r.ConnectErrors["ECONNREFUSED"])
		if ok+no != uint64(r.Attempted) {
			t.Fatalf("a client: %+v", r)
		}
		want := tally{opens: ok + no, closesOut: ok, fails: no, failedOpens: no}
		if got := tallyOf(&tr.row(r.PID).Totals); !tr.isAbout(got, want) {
			t.Errorf("process %d is shown with %+v, it counted %+v", r.PID, got, want)
		}
		answered, refused = answered+ok, refused+no
	}
	l.checkDestination(tr, l.client, serverV4, tally{opens: answered, closesOut: answered})
	l.checkDestination(tr, l.client, at(serverV4, 81), tally{opens: refused, fails: refused, failedOpens: refused})
	var failures uint64
	for i := range tr.snap.Failures {
		if f := &tr.snap.Failures[i]; f.Reason == event.Refused && f.Target == endpoint(at(serverV4, 81)) && f.Proc.ID.PID == uint32(l.results[2].PID) {
			failures += f.Count
		}
	}
	if !tr.isAbout(tally{fails: failures}, tally{fails: refused}) {
		t.Errorf("%d failures of the client that is refused, it counted %d", failures, refused)
	}
}

func (l *overload) checkDestination(tr *trace, n *lab.Netns, to netip.AddrPort, want tally) {
	l.t.Helper()
	if got := tallyOf(&destinationRow(tr.snap, n, to).Totals); !tr.isAbout(got, want) {
		l.t.Errorf("%s is shown with %+v, the programs counted %+v", to, got, want)
	}
}

// skippedRuns returns how many runs of the programs of this process the kernel has skipped.
func skippedRuns(t testing.TB) (runs uint64) {
	t.Helper()
	values, err := lab.FDInfo(os.Getpid(), "recursion_misses")
	noError(t, err)
	for _, n := range values {
		runs += n
	}
	return runs
}

// isAbout reports whether the counts are equal, or differ by at most the runs that are missing: a
// connection of which some are missing can be taken for one that failed.
func (tr *trace) isAbout(got, want tally) bool {
	about := func(a, b uint64) bool { return max(a, b)-min(a, b) <= tr.missed() }
	return about(got.opens, want.opens) && about(got.closesOut, want.closesOut) && about(got.closesIn, want.closesIn) &&
		about(got.closesUnknown, want.closesUnknown) && about(got.fails, want.fails) && about(got.failedOpens, want.failedOpens)
}

// checkLimits checks that the storm is shown as limited towards its destinations, with all events
// that are not listed one by one.
func (l *overload) checkLimits(tr *trace) {
	t := l.t
	t.Helper()
	var counted uint64
	for i := range tr.snap.DetailLimits {
		d := &tr.snap.DetailLimits[i]
		if d.Since.IsZero() || d.Limit != 500 || !d.Until.IsZero() && d.Until.Before(d.Since) {
			t.Errorf("limited: %+v", d)
		}
		if d.Proc.ID.PID == uint32(l.stormPID) && d.Direction == event.Out && d.Netns == l.stormNet.Inode() {
			counted += d.Counted
		}
	}
	row := tr.row(l.stormPID)
	if counted == 0 || counted > row.Unlisted {
		t.Errorf("%d events of the storm were counted by the limit, %d are not listed: %+v", counted, row.Unlisted, tr.snap.DetailLimits)
	}
	if row.LifetimeP50 == 0 {
		t.Error("no lifetime: there was no sample")
	}
}
