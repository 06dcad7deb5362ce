package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// ended is what is reported of a connection: its open, and the one event that ends it.
type ended struct {
	open     event.Flags // of the open
	kind     event.Kind  // Close or ConnectFail
	closedBy event.ClosedBy
	resetBy  event.ClosedBy
	errno    event.Errno
	reason   event.Reason
	flags    event.Flags
}

// ways are the flags that distinguish ends. Those of buckets are checked separately.
const ways = event.EarlyBind | event.InCloseWait | event.HadPort | event.Unanswered

// Each way in which an outgoing connection can end, and how it is reported.
func TestEndings(t *testing.T) { retry(t, testEndings) }

func testEndings(t *attempt) {
	var (
		closed, closer, silent = at(serverV4, 81), at(serverV4, 82), at(serverV4, 83)
		ours                   = netip.AddrPortFrom(clientV4, 0)
		refused                = ended{kind: event.ConnectFail, errno: event.ECONNREFUSED, reason: event.Refused, flags: event.HadPort}
		byUs                   = ended{kind: event.Close, closedBy: event.Local}
	)
	cases := []struct {
		name   string
		job    lab.Client
		to     netip.AddrPort
		errno  string // what the client gets, empty: a connection
		want   ended
		bucket bool
		bound  bool // there is a bind event
	}{
		{name: "local", to: serverV4, job: lab.Client{Talk: true}, want: byUs, bucket: true},
		{name: "nonblock", to: serverV4, job: lab.Client{Socket: lab.Socket{Nonblock: true}, Talk: true}, want: byUs, bucket: true},
		{name: "refused", to: closed, errno: "ECONNREFUSED", want: refused},
		{name: "refused6", to: at(serverV6, 81), errno: "ECONNREFUSED", want: refused},
		{name: "refused-nonbl", to: closed, job: lab.Client{Socket: lab.Socket{Nonblock: true}}, errno: "ECONNREFUSED", want: refused},
		{
			name: "reset", to: serverV4, job: lab.Client{Socket: lab.Socket{Linger0: true}, Talk: true},
			want: ended{kind: event.Close, closedBy: event.Reset, resetBy: event.Local},
		},
		{
			name: "remote", to: closer, job: lab.Client{AwaitPeer: true},
			want: ended{kind: event.Close, closedBy: event.Remote, flags: event.InCloseWait},
		},
		{
			name: "remote6", to: at(serverV6, 82), job: lab.Client{AwaitPeer: true},
			want: ended{kind: event.Close, closedBy: event.Remote, flags: event.InCloseWait},
		},
		{
			name: "early", to: serverV4, job: lab.Client{Socket: lab.Socket{Bind: ours}, Talk: true}, bucket: true, bound: true,
			want: ended{open: event.EarlyBind, kind: event.Close, closedBy: event.Local, flags: event.EarlyBind},
		},
		{name: "late", to: serverV4, job: lab.Client{Socket: lab.Socket{Bind: ours, NoPort: true}, Talk: true}, want: byUs, bucket: true},
		{
			name: "timeout", to: silent, job: lab.Client{Socket: lab.Socket{SynCount: 1}}, errno: "ETIMEDOUT",
			want: ended{kind: event.ConnectFail, errno: event.ETIMEDOUT, reason: event.TimedOut, flags: event.HadPort | event.Unanswered},
		},
		{
			name: "no-host", to: unusedV4, errno: "EHOSTUNREACH",
			want: ended{kind: event.ConnectFail, errno: event.EHOSTUNREACH, reason: event.Unreachable, flags: event.HadPort},
		},
	}
	client, server := pair(t)
	tr := begin(t, live.Options{}, client, server)
	serve(t, server, lab.Echo, serverV4, serverV6)
	serve(t, server, lab.CloseFirst, closer, at(serverV6, 82))
	full := fill(t, client, server, silent)
	var jobs []lab.Job
	for i := range cases {
		job := &cases[i].job
		job.To, job.Count, job.List = []netip.AddrPort{cases[i].to}, 1, true
		jobs = append(jobs, job)
	}
	results := runAll(t, client, "client", jobs...)
	full()
	tr.end(nil)

	for i, c := range cases {
		t.Run(c.name, func(t *attempt) {
			r := results[i]
			if len(r.Tries) != 1 || r.Tries[0].Errno != c.errno {
				t.Fatalf("the client: %+v", r)
			}
			opens := tr.of(event.Open, r.PID)
			ends := append(tr.of(event.Close, r.PID), tr.of(event.ConnectFail, r.PID)...)
			if len(opens) != 1 || len(ends) != 1 {
				t.Fatalf("%d opens and %d ends: %+v %+v", len(opens), len(ends), opens, ends)
			}
			open, end := opens[0], ends[0]
			got := ended{
				open: open.Flags & ways, kind: end.Kind, closedBy: end.ClosedBy, resetBy: end.ResetBy,
				errno: end.Errno, reason: end.Reason, flags: end.Flags & ways,
			}
			if c.name == "no-host" { // whether its SYN was sent again is a matter of timing
				got.flags &^= event.Unanswered
			}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if open.Src != end.Src || open.Dst != endpoint(c.to) || end.Dst != open.Dst || open.Src.Port == 0 {
				t.Errorf("opened from %s to %s, ended from %s to %s", open.Src, open.Dst, end.Src, end.Dst)
			}
			if c.errno == "" && open.Src != endpoint(r.Tries[0].Local) {
				t.Errorf("the client's own end is %s, opened is %s", r.Tries[0].Local, open.Src)
			}
			if bucket := end.Flags&(event.TimeWait|event.FinWait2) != 0; bucket != c.bucket {
				t.Errorf("leaves a bucket: %v, want %v", bucket, c.bucket)
			}
			if waited := end.CloseWait > 0; waited != c.want.flags.Has(event.InCloseWait) {
				t.Errorf("%d ns in CLOSE_WAIT", end.CloseWait)
			}
			if c.bound && tr.seesBinds() || !c.bound {
				checkBind(t, tr.of(event.Bind, r.PID), c.bound, open)
			}
		})
	}
	if n := tr.snap.Totals.SynSent; n != 0 {
		t.Errorf("%d connections are left in SYN_SENT", n)
	}
	t.Run("accepted", func(t *attempt) { checkOtherEnds(t, tr.accepted(server)) })
}

func checkBind(t testing.TB, binds []event.Event, bound bool, open event.Event) {
	t.Helper()
	if !bound {
		if len(binds) != 0 {
			t.Errorf("nothing took a port by bind(): %+v", binds)
		}
		return
	}
	if len(binds) != 1 || binds[0].Src != open.Src {
		t.Errorf("bound are %+v, connected is %s", binds, open.Src)
	}
}

// checkOtherEnds checks how the accepted connections ended.
func checkOtherEnds(t testing.TB, closes []event.Event) {
	got := map[ended]int{}
	for _, e := range closes {
		if e.Src.Port == 80 || e.Src.Port == 82 {
			got[ended{kind: e.Kind, closedBy: e.ClosedBy, resetBy: e.ResetBy, flags: e.Flags & ways}]++
		}
	}
	for want, n := range map[ended]int{
		{kind: event.Close, closedBy: event.Remote, flags: event.InCloseWait}: 4, // local, nonblock, early, late
		{kind: event.Close, closedBy: event.Reset, resetBy: event.Remote}:     1,
		{kind: event.Close, closedBy: event.Local}:                            2, // remote, remote6
	} {
		if got[want] != n {
			t.Errorf("%d accepted connections ended by %+v, want %d", got[want], want, n)
		}
		delete(got, want)
	}
	for way, n := range got {
		t.Errorf("%d accepted connections ended by %+v", n, way)
	}
}

// fill makes a listener that answers no SYN any more, and returns what ends it.
func fill(t testing.TB, client, server *lab.Netns, silent netip.AddrPort) (end func()) {
	t.Helper()
	listener := serveWith(t, server, lab.Server{Listen: []netip.AddrPort{silent}, Mode: lab.Ignore, Backlog: 1})
	filler := spawn(t, client, "filler", &lab.Client{To: []netip.AddrPort{silent}, Count: 2, Hold: true, For: jobLimit})
	wantCounts(t, counted(t, filler), 2, 0)
	return func() {
		release(t, filler)
		listener.Stop()
	}
}

// Of two connections from one bound port to one destination the second fails. That is
// no exhaustion, though its errno is the same.
func TestTupleTaken(t *testing.T) { retry(t, testTupleTaken) }

func testTupleTaken(t *attempt) {
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4)
	tr := begin(t, live.Options{}, client, server)
	socket := lab.Socket{Bind: netip.AddrPortFrom(clientV4, 45000), ReuseAddr: true}
	first := spawn(t, client, "first", &lab.Client{Socket: socket, To: []netip.AddrPort{serverV4}, Count: 1, Hold: true})
	counted(t, first)
	second := run(t, client, "second", &lab.Client{Socket: socket, To: []netip.AddrPort{serverV4}, Count: 2})
	release(t, first)
	tr.end(nil)

	wantCounts(t, second, 0, 2)
	fails := tr.of(event.ConnectFail, second.PID)
	if len(fails) != 2 || len(tr.of(event.Open, second.PID)) != 0 {
		t.Fatalf("failures: %+v", fails)
	}
	for _, e := range fails {
		if e.Reason != event.TupleTaken || e.Errno != event.EADDRNOTAVAIL || !e.Flags.Has(event.EarlyBind) || e.Flags.Has(event.HadPort) ||
			e.Src != endpoint(socket.Bind) || e.Dst != endpoint(serverV4) {
			t.Errorf("%s %s %s to %s: %+v", e.Errno, e.Reason, e.Src, e.Dst, e)
		}
		if tr.exact("connect") != (e.Inferred == 0) {
			t.Errorf("connect is seen as %s, inferred are %s", tr.signal("connect").Mode, e.Inferred.Names())
		}
	}
}

// Connections that the peer has closed and the owner has not are a gauge, which is
// the count of /proc/net/tcp.
func TestLeak(t *testing.T) { retry(t, testLeak) }

func testLeak(t *attempt) {
	const leaked = 8
	client, server := pair(t)
	tr := begin(t, live.Options{}, client, server)
	serve(t, server, lab.CloseFirst, serverV4)
	leak := spawn(t, client, "leak", &lab.Client{To: []netip.AddrPort{serverV4}, Count: leaked, AwaitPeer: true, Hold: true})
	r := counted(t, leak)
	inCloseWait := inState(t, client, lab.CloseWait)
	if r.Succeeded != leaked || inCloseWait != leaked {
		t.Fatalf("%d sockets in CLOSE_WAIT, the client: %+v", inCloseWait, r)
	}
	tr.end(map[int]int{r.PID: leaked})

	for name, got := range map[string]int64{
		"the process": tr.row(r.PID).CloseWait, "all": tr.snap.Totals.CloseWait, "the destination": tr.destination(client, serverV4).CloseWait,
	} {
		if got != leaked {
			t.Errorf("%s: %d in CLOSE_WAIT, the kernel counts %d", name, got, inCloseWait)
		}
	}
}

// A connect that is given up before it is answered is a failure with the port of its open.
func TestGivenUp(t *testing.T) { retry(t, testGivenUp) }

func testGivenUp(t *attempt) {
	client, server := pair(t)
	tr := begin(t, live.Options{}, client, server)
	full := fill(t, client, server, serverV4)
	killed := spawn(t, client, "killed", &lab.Client{To: []netip.AddrPort{serverV4}, Count: 1})
	eventually(t, "a SYN is sent", func() bool { return inState(t, client, lab.SynSent) == 1 })
	killed.Stop()
	full()
	tr.end(nil)

	opens, closes, fails := tr.of(event.Open, killed.PID()), tr.of(event.Close, killed.PID()), tr.of(event.ConnectFail, killed.PID())
	if len(opens) != 1 || len(closes) != 0 || len(fails) != 1 {
		t.Fatalf("%d opens, %d closes, failures: %+v", len(opens), len(closes), fails)
	}
	if e := fails[0]; e.Reason != event.GivenUp || e.Errno != 0 || e.Inferred != 0 || !e.Flags.Has(event.HadPort) ||
		e.Src != opens[0].Src || e.Src.Port == 0 {
		t.Errorf("the failure: %+v", e)
	}
}

// A connect that finds no route fails before it has a port, so that nothing is opened.
func TestNoRoute(t *testing.T) { retry(t, testNoRoute) }

func testNoRoute(t *attempt) {
	const tries = 100
	n := newNetns(t)
	tr := begin(t, live.Options{}, n)
	lost := []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.1:80"),
		netip.MustParseAddrPort("[2001:db8::1]:80"),
		netip.MustParseAddrPort("[::ffff:192.0.2.1]:80"),
	}
	var results []lab.Result
	for _, to := range lost {
		results = append(results, run(t, n, "lost", &lab.Client{To: []netip.AddrPort{to}, Count: tries}))
	}
	tr.end(nil)

	for i, r := range results {
		if r.ConnectErrors["ENETUNREACH"] != tries {
			t.Fatalf("the client: %+v", r)
		}
		fails, want := tr.of(event.ConnectFail, r.PID), tries
		if !tr.exact("connect_errors") {
			want = 0
		}
		if got := occurrences(fails); got != want {
			t.Errorf("%s: %d failures, the client counted %d", lost[i], got, tries)
		}
		for _, e := range fails {
			if e.Errno != event.ENETUNREACH || e.Reason != event.Unreachable || e.Flags.Has(event.HadPort) ||
				e.Src.Port != 0 || e.Dst != endpoint(lost[i]) || e.Op != event.OpConnect || e.Inferred != 0 {
				t.Errorf("%s: %+v", lost[i], e)
				break
			}
		}
		if opens := tr.of(event.Open, r.PID); len(opens) != 0 {
			t.Errorf("%s: nothing was opened: %+v", lost[i], opens[0])
		}
	}
}
