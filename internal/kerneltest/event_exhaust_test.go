package kerneltest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func endpoint(ap netip.AddrPort) event.Endpoint {
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

// occurrences sums the counts of events: a storm of failures is folded.
func occurrences(events []event.Event) int {
	n := 0
	for _, e := range events {
		n += int(e.Count)
	}
	return n
}

// A connect that finds no port in the range is reported with the right cause, as often as
// the client saw it.
func TestRangeExhausted(t *testing.T) { retry(t, testRangeExhausted) }

func testRangeExhausted(t *attempt) {
	const ports, tries = 256, 400
	targets := map[string]netip.AddrPort{"v4": serverV4, "v6": serverV6, "v4mapped": serverMapped}
	clients := map[string]*lab.Netns{}
	var nets []*lab.Netns
	for name, to := range targets {
		client, server := pair(t)
		serve(t, server, lab.Echo, unmapped(to))
		narrow(t, client, ports)
		clients[name], nets = client, append(nets, client, server)
	}
	tr := begin(t, live.Options{}, nets...)
	results := map[string]lab.Result{}
	for name, to := range targets {
		results[name] = run(t, clients[name], "exhauster", &lab.Client{To: []netip.AddrPort{to}, Count: tries, Talk: true})
	}
	tr.end(nil)

	for name, r := range results {
		t.Run(name, func(t *attempt) {
			if n := r.ConnectErrors["EADDRNOTAVAIL"]; n == 0 || r.Succeeded+n != tries {
				t.Fatalf("the client: %+v", r)
			}
			tr.checkExhausted(t, r, clients[name], targets[name])
		})
	}
}

func (tr *trace) checkExhausted(t testing.TB, r lab.Result, client *lab.Netns, to netip.AddrPort) {
	t.Helper()
	fails, want := tr.of(event.ConnectFail, r.PID), r.ConnectErrors["EADDRNOTAVAIL"]
	if got := occurrences(fails); got != want {
		t.Errorf("%d connects failed, the client counted %d", got, want)
	}
	var inferred event.Field
	if !tr.exact("connect") {
		inferred = event.FieldErrno | event.FieldReason
	}
	for _, e := range fails {
		e.Netns, e.Time, e.Proc, e.Cookie, e.Count, e.First, e.Last = 0, 0, event.ProcID{}, 0, 0, 0, 0
		e.Src, e.Flags = event.Endpoint{Addr: e.Src.Addr}, e.Flags&^event.Mapped
		expected := event.Event{
			Kind: event.ConnectFail, Direction: event.Out, Proto: event.TCP, Op: event.OpConnect,
			Reason: event.RangeExhausted, Errno: event.EADDRNOTAVAIL, Inferred: inferred,
			Src: e.Src, Dst: endpoint(to),
		}
		if e != expected {
			t.Errorf("got %+v\nwant %+v", e, expected)
			break
		}
	}
	rows := slices.DeleteFunc(slices.Clone(tr.snap.Failures), func(row snapshot.Failure) bool { return row.Netns != client.Inode() })
	if len(rows) != 1 || rows[0].Count != uint64(want) || rows[0].Reason != event.RangeExhausted {
		t.Errorf("failures in the snapshot: %+v", rows)
	}
}

// Reuse of a TIME_WAIT port is reported if the hook sees the socket during the port search: only
// with fexit.
func TestReused(t *testing.T) { retry(t, testReused) }

func testReused(t *attempt) {
	const ports = 32
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4)
	narrow(t, client, ports)
	tr := begin(t, live.Options{}, client, server)
	job := &lab.Client{To: []netip.AddrPort{serverV4}, Count: ports, Talk: true}
	first := run(t, client, "first", job)
	noError(t, client.Sysctl("ipv4/tcp_tw_reuse", "1"))
	var second lab.Result
	eventually(t, "ports taken from TIME_WAIT", func() bool { // what is tested: buckets must be a second old
		time.Sleep(1100 * time.Millisecond)
		second = run(t, client, "second", job)
		return second.Succeeded == ports
	})
	tr.end(nil)

	reused := func(pid int) int {
		n := 0
		for _, e := range tr.of(event.Open, pid) {
			if e.Flags.Has(event.Reused) {
				n++
			}
		}
		return n
	}
	want := 0
	if strings.HasPrefix(tr.signal("connect").Hook, "fexit/") {
		want = ports
	}
	if got := reused(first.PID); got != 0 {
		t.Errorf("%d of the first ports are reported as reused", got)
	}
	if got := reused(second.PID); got != want {
		t.Errorf("%d of the second ports are reported as reused, want %d", got, want)
	}
}
