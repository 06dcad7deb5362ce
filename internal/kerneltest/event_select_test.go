package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func target(t testing.TB, pid int) event.ProcID {
	t.Helper()
	id, err := live.Target(uint32(pid))
	noError(t, err)
	return id
}

// destination returns the snapshot's row of a remote end.
func (tr *trace) destination(n *lab.Netns, to netip.AddrPort) *snapshot.Destination {
	for i := range tr.snap.Destinations {
		if d := &tr.snap.Destinations[i]; d.Netns == n.Inode() && d.Remote == endpoint(to) {
			return d
		}
	}
	return &snapshot.Destination{}
}

// Of two processes that use the same destination only the selected one is listed, but
// the destination counts both.
func TestTarget(t *testing.T) { retry(t, testTarget) }

func testTarget(t *attempt) {
	const quiet, loud, refused = 40, 300, 70
	client, server := pair(t)
	closed := at(serverV4, 81)
	serve(t, server, lab.Echo, serverV4)
	us := os.Getpid()
	tr := begin(t, live.Options{Probe: probe.Options{Targets: []event.ProcID{target(t, us)}}}, client, server)
	beside := spawn(t, client, "loud", &lab.Client{To: []netip.AddrPort{serverV4}, Count: loud})
	_, err := connectHere(client, serverV4, quiet)
	noError(t, err)
	if _, err := connectHere(client, closed, 1); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a connect to a closed port: %v", err)
	}
	r := counted(t, beside)
	release(t, beside)
	failing := run(t, client, "failing", &lab.Client{To: []netip.AddrPort{closed}, Count: refused})
	if r.Succeeded != loud || failing.ConnectErrors["ECONNREFUSED"] != refused {
		t.Fatalf("the clients: %+v, %+v", r, failing)
	}
	tr.end(nil)

	if rows := tr.snap.Processes; len(rows) != 1 || rows[0].Info.ID.PID != uint32(us) {
		t.Errorf("%d processes are listed, want %d alone: %+v", len(rows), us, rows)
	}
	if row := tr.row(us); row.Opens != quiet+1 || !tr.near(row.ClosesOut, quiet) || row.ConnectFailures != 1 {
		t.Errorf("the selected process: %+v", row.Totals)
	}
	if d := tr.destination(client, serverV4); !tr.near(d.Opens, quiet+loud) || !tr.near(d.ClosesOut, quiet+loud) || !tr.near(d.TimeWaitEntered, quiet+loud) || len(d.Processes) != 1 {
		t.Errorf("the destination has %d opens, %d closes, %d buckets, want %d of each, and processes %+v",
			d.Opens, d.ClosesOut, d.TimeWaitEntered, quiet+loud, d.Processes)
	}
	if d := tr.destination(client, closed); d.ConnectFailures != refused+1 || d.FailedOpens != refused+1 {
		t.Errorf("the closed port has %+v", d.Totals)
	}
	if h := tr.ledger.health; h.Filtered == 0 || h.LostDetails != 0 {
		t.Errorf("filtered %d, lost details %d", h.Filtered, h.LostDetails)
	}
}

// With --children the descendants are selected, those that exist and those to come.
func TestTargetChildren(t *testing.T) { retry(t, testTargetChildren) }

func testTargetChildren(t *attempt) {
	const count = 60
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4)
	before := spawn(t, client, "before", &lab.Client{To: []netip.AddrPort{serverV4}, Rate: 100, For: jobLimit})
	us := target(t, os.Getpid())
	tr := begin(t, live.Options{Probe: probe.Options{Targets: []event.ProcID{us}, Children: true}}, client, server)
	r := run(t, client, "after", &lab.Client{To: []netip.AddrPort{serverV4}, Count: count})
	before.Stop()
	tr.end(nil)

	if row := tr.row(r.PID); row.Opens != count || !tr.near(row.ClosesOut, count) || row.Info.Comm != "after" {
		t.Errorf("the client that came after: %+v %+v", row.Info, row.Totals)
	}
	if row := tr.row(before.PID()); row.Opens == 0 || row.Info.Comm != "before" {
		t.Errorf("the client that was there before: %+v %+v", row.Info, row.Totals)
	}
	if h := tr.ledger.health; h.LostDetails != 0 {
		t.Errorf("lost details %d", h.LostDetails)
	}
}

// A process that is no descendant is not listed: not its connects, nor what it accepts.
func TestTargetChildrenOfOther(t *testing.T) { retry(t, testTargetChildrenOfOther) }

func testTargetChildrenOfOther(t *attempt) {
	const count = 50
	client, server := pair(t)
	closer := at(serverV4, 82)
	other := spawn(t, client, "other", &lab.Binder{Listen: true})
	counted(t, other)
	tr := begin(t, live.Options{Probe: probe.Options{Targets: []event.ProcID{target(t, other.PID())}, Children: true}}, client, server)
	serve(t, server, lab.Echo, serverV4)
	serve(t, server, lab.CloseFirst, closer)
	run(t, client, "client", &lab.Client{To: []netip.AddrPort{serverV4}, Count: count, Talk: true})
	run(t, client, "client", &lab.Client{To: []netip.AddrPort{closer}, Count: count, AwaitPeer: true})
	release(t, other)
	tr.end(nil)

	for _, p := range tr.snap.Processes {
		t.Errorf("pid %d (%s) is listed: %+v", p.Info.ID.PID, p.Info.Comm, p.Totals)
	}
	if tr.snap.Totals != (snapshot.Totals{TimeWaitOther: tr.snap.Totals.TimeWaitOther}) {
		t.Errorf("totals of nothing: %+v", tr.snap.Totals)
	}
}
