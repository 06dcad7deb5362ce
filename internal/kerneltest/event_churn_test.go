package kerneltest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// tuples returns local and remote ends of events, sorted.
func tuples(events []event.Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, fmt.Sprint(e.Src, " ", e.Dst))
	}
	slices.Sort(list)
	return list
}

// triedTuples returns the same for the tries of a client.
func triedTuples(tries []lab.Try) []string {
	var list []string
	for _, try := range tries {
		list = append(list, fmt.Sprint(unmapped(try.Local), " ", unmapped(try.Remote)))
	}
	slices.Sort(list)
	return list
}

func unmapped(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Every connection of a client that closes first is one open and one close with the
// right owner and ports, and leaves one bucket.
func TestChurn(t *testing.T) {
	count := fewer(500, 200)
	client, server := pair(t)
	tr := begin(t, live.Options{}, client, server)
	listener := serve(t, server, lab.Echo, serverV4, serverV6)
	before := counters(t, client)
	targets := map[string]netip.AddrPort{"v4": serverV4, "v6": serverV6, "v4mapped": serverMapped}
	results := map[string]lab.Result{}
	for name, to := range targets {
		results[name] = run(t, client, "churner", &lab.Client{To: []netip.AddrPort{to}, Count: count, Talk: true, List: true})
	}
	tr.end(nil)
	after := counters(t, client)

	var tried []string
	var opens int
	var closes []event.Event
	for name, r := range results {
		t.Run(name, func(t *testing.T) { tr.checkChurner(t, r, count, targets[name]) })
		tried = append(tried, triedTuples(r.Tries)...)
		opens += len(tr.of(event.Open, r.PID))
		closes = append(closes, tr.of(event.Close, r.PID)...)
	}
	slices.Sort(tried)
	if counted := after["Tcp.ActiveOpens"] - before["Tcp.ActiveOpens"]; !tr.near(uint64(opens), counted) {
		t.Errorf("%d opens, the kernel counted %d", opens, counted)
	}
	// 5.10 counts a bucket when it ends, these kernels when it begins.
	if counted := after["TcpExt.TW"] - before["TcpExt.TW"]; kernelAtLeast(t, 6, 12) && !tr.near(tr.snap.Totals.TimeWaitEntered, counted) {
		t.Errorf("time_wait_entered = %d, TcpExt.TW went up by %d", tr.snap.Totals.TimeWaitEntered, counted)
	}
	tr.checkBuckets(t, client, closes)
	t.Run("time_wait", func(t *testing.T) { tr.checkTimeWait(t, closes, tr.accepted(server)) })
	tr.checkAccepted(t, tr.accepted(server), listener, tried)
}

// checkChurner compares what is reported of a client with what it reports itself.
func (tr *trace) checkChurner(t *testing.T, r lab.Result, count int, to netip.AddrPort) {
	wantCounts(t, r, count, 0)
	opens, closes, want := tr.of(event.Open, r.PID), tr.of(event.Close, r.PID), triedTuples(r.Tries)
	if got := tuples(opens); !tr.subset(got, want) {
		t.Errorf("%d opens are not those of the %d tries", len(got), len(want))
	}
	if got := tuples(closes); !tr.subset(got, want) {
		t.Errorf("%d closes are not those of the %d tries", len(got), len(want))
	}
	tr.expect(t, "out, of the right family", slices.Concat(opens, closes), func(e *event.Event) bool {
		return e.Direction == event.Out && e.Flags.Has(event.Mapped) == to.Addr().Is4In6()
	})
	if got := tr.procs[opens[0].Proc]; got == nil || got.Comm != "churner" {
		t.Errorf("the process is %+v", got)
	}
}

// checkBuckets compares the buckets of closes with the kernel's own count.
func (tr *trace) checkBuckets(t *testing.T, client *lab.Netns, closes []event.Event) {
	t.Helper()
	tr.expect(t, "closed by us, with a bucket", closes, func(e *event.Event) bool {
		return e.Flags&(event.TimeWait|event.FinWait2) != 0 && e.ClosedBy == event.Local && e.Duration != 0
	})
	stat, err := client.Sockstat()
	noError(t, err)
	if got := tr.snap.Totals; !tr.near(got.TimeWaitEntered, uint64(stat.TimeWait)) || !tr.near(uint64(got.TimeWaitOut), uint64(stat.TimeWait)) {
		t.Errorf("%d buckets were made, %d are left, sockstat says %d", got.TimeWaitEntered, got.TimeWaitOut, stat.TimeWait)
	}
}

// finWithin is the time in which a peer's FIN counts as prompt: the tracer holds a close
// for 100 ms to see whether it comes.
const finWithin = 50 * time.Millisecond

// checkTimeWait checks that it is TIME_WAIT if the peer closed promptly, which it does not always
// do on a slow machine.
func (tr *trace) checkTimeWait(t *testing.T, closes, accepted []event.Event) {
	t.Helper()
	peerClosed := map[[2]event.Endpoint]event.Time{}
	for _, e := range accepted {
		peerClosed[[2]event.Endpoint{e.Dst, e.Src}] = e.Time
	}
	late := 0
	tr.expect(t, "in TIME_WAIT, since the peer closed at once", closes, func(e *event.Event) bool {
		at, seen := peerClosed[[2]event.Endpoint{e.Src, e.Dst}]
		if !e.Flags.Has(event.TimeWait) && seen && at.Sub(e.Time) > finWithin {
			late++
			return true
		}
		return e.Flags.Has(event.TimeWait)
	})
	if late > len(closes)/10 {
		t.Errorf("the peer closed late %d times of %d", late, len(closes))
	}
}

// checkAccepted checks the other ends of the same connections.
func (tr *trace) checkAccepted(t testing.TB, closes []event.Event, listener *lab.Proc, want []string) {
	t.Helper()
	var got []string
	for _, e := range closes {
		got = append(got, fmt.Sprint(e.Dst, " ", e.Src))
	}
	pid := uint32(listener.PID())
	tr.expect(t, fmt.Sprintf("accepted by %d and closed by the peer", pid), closes, func(e *event.Event) bool {
		return e.Proc.PID == pid && e.Listener.PID == pid && e.ClosedBy == event.Remote && e.Flags&(event.TimeWait|event.FinWait2) == 0
	})
	slices.Sort(got)
	if !tr.subset(got, want) {
		t.Errorf("%d accepted closes are not those of the %d tries", len(got), len(want))
	}
}

// Programs that live for milliseconds have a name, an executable and a parent.
func TestShortLived(t *testing.T) {
	const atOnce = 4
	programs := fewer(200, 40)
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4)
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	noError(t, err)
	tr := begin(t, live.Options{}, client, server)
	names := map[int]string{} // by pid
	var mu sync.Mutex
	var group sync.WaitGroup
	for first := range atOnce {
		group.Go(func() {
			for i := first; i < programs; i += atOnce {
				name := fmt.Sprintf("short-%d", i)
				var r lab.Result
				if err := client.Run(name, &lab.Client{To: []netip.AddrPort{serverV4}, Count: 1}, &r); err != nil || r.Succeeded != 1 {
					t.Errorf("%s: %+v, %v", name, r, err)
				}
				mu.Lock()
				names[r.PID] = name
				mu.Unlock()
			}
		})
	}
	group.Wait()
	tr.end(nil)

	if len(names) != programs {
		t.Fatalf("%d pids, of %d programs", len(names), programs)
	}
	var wrong []string
	for pid, name := range names {
		opens := tr.of(event.Open, pid)
		if len(opens) != 1 {
			wrong = append(wrong, fmt.Sprintf("%s (pid %d): %d opens", name, pid, len(opens)))
			continue
		}
		p := tr.procs[opens[0].Proc]
		if p == nil || p.Comm != name || p.Exe != exe || p.PPID != uint32(os.Getpid()) || p.UID != 0 {
			wrong = append(wrong, fmt.Sprintf("%s is shown as %+v; executable %s, parent %d", name, p, exe, os.Getpid()))
		}
	}
	tr.allowSkipped(t, wrong)
}
