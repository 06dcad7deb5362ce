package kerneltest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// enough is how many cases of each measure there are at least: without any error the rate of
// errors is then below 1 %, with a confidence of 95 % (figures.Bound).
const enough = 310

// load makes some thousand connections of all kinds, and keeps what their programs report. In
// virtual machines it has a tenth of them, unless the whole load is asked for (vm -full).
type load struct {
	t              testing.TB
	client, server *lab.Netns
	small          *lab.Netns             // has few ports
	nets           []*lab.Netns           // all of them
	servers        map[netip.AddrPort]int // pids, by listening address
	unanswered     map[uint32]bool        // pids of clients whose SYNs are not answered
	want           facts
	buckets        map[string]string // what the kernel has had so far, by their ends: the last kind
	trace          *trace

	own4, own6 netip.Addr                        // from which the clients connect
	real       map[netip.AddrPort]netip.AddrPort // where a connect() goes, if not to what it was given
	within     func(func() *lab.Proc) *lab.Proc  // starts a client; nil: anywhere
}

// Ports of the servers, and one without a server.
const (
	echoPort, closerPort, silentPort, keeperPort, closedPort = 80, 82, 83, 84, 81
	shortLived                                               = "short-"
)

func newLoad(t testing.TB, client, server *lab.Netns) *load {
	return &load{
		t: t, client: client, server: server, nets: []*lab.Netns{client, server},
		servers: map[netip.AddrPort]int{}, unanswered: map[uint32]bool{}, want: facts{}, buckets: map[string]string{},
		own4: clientV4, own6: clientAddrs[1].Addr(),
	}
}

func (l *load) run() {
	l.serve(l.server, lab.Echo, serverV4, serverV6)
	l.serve(l.server, lab.CloseFirst, at(serverV4, closerPort), at(serverV6, closerPort))
	keeper := l.serve(l.server, lab.NeverClose, at(serverV4, keeperPort), at(serverV6, keeperPort))
	full := fill(l.t, l.client, l.server, at(serverV4, silentPort))

	collect := l.clients()
	for _, part := range []func(){l.shortLived, l.binders, l.tupleTaken, l.unusualCloses, l.unusualBinds, l.fewPorts} {
		part()
		l.findBuckets()
	}
	collect()
	l.addBuckets()
	keeper.Stop()
	full()
}

// isOurs leaves out the connections that only fill the backlog of a listener.
func (l *load) isOurs(e *event.Event) bool {
	return e.Src.Port != silentPort && (e.Dst.Port != silentPort || l.unanswered[e.Proc.PID])
}

func (l *load) serve(n *lab.Netns, mode lab.Mode, listen ...netip.AddrPort) *lab.Proc {
	p := serve(l.t, n, mode, listen...)
	for _, ap := range listen {
		l.servers[ap] = p.PID()
		l.want.add("bind", p.PID(), endpoint(ap))
	}
	return p
}

// work is a client, and how its connections end as it sees them.
type work struct {
	name     string
	job      lab.Client
	to       []netip.AddrPort
	closedBy event.ClosedBy
	resetBy  event.ClosedBy
}

// clients starts them all, and returns what waits for them and adds what they did.
func (l *load) clients() (collect func()) {
	var (
		ours, ours6 = netip.AddrPortFrom(clientV4, 0), netip.AddrPortFrom(clientAddrs[1].Addr(), 0)
		both        = []netip.AddrPort{serverV4, serverV6}
		unrouted    = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("[2001:db8::1]:80"), netip.MustParseAddrPort("[::ffff:192.0.2.1]:80")}
		silent      = fewer(enough, 3)
		works       = []work{
			{name: "churn", to: append(both, serverMapped), job: lab.Client{Count: 120, Talk: true}, closedBy: event.Local},
			{name: "nonblock", to: both, job: lab.Client{Count: 20, Talk: true, Socket: lab.Socket{Nonblock: true}}, closedBy: event.Local},
			{name: "early", to: both[:1], job: lab.Client{Count: fewer(enough, 20), Talk: true, Socket: lab.Socket{Bind: ours}}, closedBy: event.Local},
			{name: "early6", to: both[1:], job: lab.Client{Count: 20, Talk: true, Socket: lab.Socket{Bind: ours6}}, closedBy: event.Local},
			{name: "late", to: both[:1], job: lab.Client{Count: 20, Talk: true, Socket: lab.Socket{Bind: ours, NoPort: true}}, closedBy: event.Local},
			{name: "late6", to: both[1:], job: lab.Client{Count: 20, Talk: true, Socket: lab.Socket{Bind: ours6, NoPort: true}}, closedBy: event.Local},
			{name: "reset", to: both, job: lab.Client{Count: 30, Talk: true, Socket: lab.Socket{Linger0: true}}, closedBy: event.Reset, resetBy: event.Local},
			{name: "remote", to: []netip.AddrPort{at(serverV4, closerPort), at(serverV6, closerPort)}, job: lab.Client{Count: 60, AwaitPeer: true}, closedBy: event.Remote},
			{name: "orphan", to: []netip.AddrPort{at(serverV4, keeperPort), at(serverV6, keeperPort)}, job: lab.Client{Count: 30, Talk: true}, closedBy: event.Local},
			{name: "refused", to: []netip.AddrPort{at(serverV4, closedPort), at(serverV6, closedPort)}, job: lab.Client{Count: 30}},
			{name: "refused-nonbl", to: []netip.AddrPort{at(serverV4, closedPort)}, job: lab.Client{Count: 10, Socket: lab.Socket{Nonblock: true}}},
			{name: "timeout", to: []netip.AddrPort{at(serverV4, silentPort)}, job: lab.Client{Count: silent, Threads: silent, Rate: 60, Socket: lab.Socket{SynCount: 1}}},
			{name: "no-host", to: []netip.AddrPort{unusedV4}, job: lab.Client{Count: 2, Threads: 2}},
			{name: "no-route", to: unrouted, job: lab.Client{Count: fewer(enough, 30)}},
		}
	)
	return l.start(works)
}

// start starts clients, and returns what waits for them and adds what they did.
func (l *load) start(works []work) (collect func()) {
	var procs []*lab.Proc
	for _, w := range works {
		w.job.To, w.job.List = w.to, true
		begin := func() *lab.Proc { return spawn(l.t, l.client, w.name, &w.job) }
		if l.within != nil {
			procs = append(procs, l.within(begin))
		} else {
			procs = append(procs, begin())
		}
	}
	return func() {
		for i, w := range works {
			l.addResult(w, counted(l.t, procs[i]))
			release(l.t, procs[i])
		}
	}
}

// addResult adds what a client reports of its connections.
func (l *load) addResult(w work, r lab.Result) {
	l.t.Helper()
	for _, try := range r.Tries {
		if to, rewritten := l.real[try.Remote]; rewritten {
			try.Remote = to
		}
		one := oneEnd{pid: r.PID, src: l.source(try), dst: endpoint(try.Remote), direction: event.Out, closedBy: w.closedBy, resetBy: w.resetBy}
		if w.job.Bind.IsValid() && !w.job.NoPort {
			l.want.add("bind", r.PID, one.src)
		}
		switch {
		case try.Op == "" && w.closedBy != 0:
			l.want.addEnd(one)
			l.want.addEnd(one.otherEnd(l.servers[unmapped(try.Remote)]))
			continue
		case try.Op != "connect":
			l.t.Fatalf("%s: %+v", w.name, try)
		}
		l.addFailure(one, try.Errno)
	}
}

// failures are what connect() can answer to the clients, and why.
var failures = map[string]oneEnd{
	"EADDRNOTAVAIL": {errno: event.EADDRNOTAVAIL, reason: event.RangeExhausted},
	"ECONNREFUSED":  {errno: event.ECONNREFUSED, reason: event.Refused},
	"ETIMEDOUT":     {errno: event.ETIMEDOUT, reason: event.TimedOut},
	"EHOSTUNREACH":  {errno: event.EHOSTUNREACH, reason: event.Unreachable},
	"ENETUNREACH":   {errno: event.ENETUNREACH, reason: event.Unreachable, early: true},
}

func (l *load) addFailure(one oneEnd, errno string) {
	l.t.Helper()
	how, known := failures[errno]
	if !known {
		l.t.Fatalf("to %s: %s", one.dst, errno)
	}
	one.closedBy, one.resetBy = 0, 0
	one.errno, one.reason, one.early = how.errno, how.reason, how.early
	if how.reason == event.RangeExhausted && one.src.Port != 0 {
		one.reason = event.TupleTaken // it had a port by bind()
	}
	l.want.addEnd(one)
	if one.errno == event.ETIMEDOUT {
		l.want.add("syn_sent", one.pid, one.dst)
		l.unanswered[uint32(one.pid)] = true
	}
}

// source returns the local end. A connect() that failed leaves the port and no address.
func (l *load) source(try lab.Try) event.Endpoint {
	local := unmapped(try.Local)
	if !local.Addr().IsUnspecified() {
		return endpoint(local)
	}
	own := l.own6
	if unmapped(try.Remote).Addr().Is4() {
		own = l.own4
	}
	return endpoint(netip.AddrPortFrom(own, local.Port()))
}

// shortLived runs programs that make one connection each, some at a time.
func (l *load) shortLived() {
	const atOnce = 8
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	noError(l.t, err)
	for i, programs := 0, fewer(enough, 16); i < programs; i += atOnce {
		var works []work
		var procs []*lab.Proc
		for j := i; j < min(i+atOnce, programs); j++ {
			w := work{name: fmt.Sprint(shortLived, j), to: []netip.AddrPort{serverV4}, closedBy: event.Local}
			w.job = lab.Client{To: w.to, Count: 1, Talk: true, List: true}
			works, procs = append(works, w), append(procs, spawn(l.t, l.client, w.name, &w.job))
		}
		for j, w := range works {
			r := counted(l.t, procs[j])
			release(l.t, procs[j])
			l.addResult(w, r)
			l.want.add("process", r.PID, w.name, os.Getpid(), os.Getuid())
			l.want.add("executable", r.PID, exe)
		}
		l.findBuckets()
	}
}

// binders fail, for the port or for the address.
func (l *load) binders() {
	for i, b := range []struct {
		to     string
		errno  event.Errno
		reason event.Reason
	}{
		{"10.1.0.2:80", event.EADDRINUSE, event.PortTaken},
		{"[fd01::2]:80", event.EADDRINUSE, event.PortTaken},
		{"0.0.0.0:80", event.EADDRINUSE, event.PortTaken},
		{"[::]:80", event.EADDRINUSE, event.PortTaken},
		{"192.0.2.1:8081", event.EADDRNOTAVAIL, event.ForeignAddress},
		{"[2001:db8::1]:8081", event.EADDRNOTAVAIL, event.ForeignAddress},
		{"192.0.2.1:0", event.EADDRNOTAVAIL, event.ForeignAddress},
	} {
		l.bindFails(l.server, fmt.Sprint("binder-", i), netip.MustParseAddrPort(b.to), b.errno, b.reason)
	}
}

func (l *load) bindFails(n *lab.Netns, name string, to netip.AddrPort, errno event.Errno, reason event.Reason) {
	l.t.Helper()
	tries := fewer(34, 8)
	r := run(l.t, n, name, &lab.Binder{Socket: lab.Socket{Bind: to}, Count: tries})
	if r.BindErrors[errno.String()] != tries {
		l.t.Fatalf("%s to %s: %+v", name, to, r)
	}
	for range tries {
		l.want.add("bind_errno", r.PID, errno, reason, endpoint(to))
	}
}

// tupleTaken makes a second connection from one bound port to one destination.
func (l *load) tupleTaken() {
	w := work{name: "first", to: []netip.AddrPort{serverV4}, closedBy: event.Local}
	w.job = lab.Client{To: w.to, Count: 1, Talk: true, Hold: true, List: true}
	w.job.Socket = lab.Socket{Bind: netip.AddrPortFrom(clientV4, 2000), ReuseAddr: true} // below the range
	first := spawn(l.t, l.client, w.name, &w.job)
	l.addResult(w, counted(l.t, first))
	w.name, w.job.Count = "second", 5
	l.addResult(w, run(l.t, l.client, w.name, &w.job))
	release(l.t, first)
}

// fewPorts uses up a range: by connect(), and then there is none for bind() and listen()
// either. After a second, connect() takes the ports out of TIME_WAIT.
func (l *load) fewPorts() {
	ports, tries := fewer(320, 64), fewer(360, 100)
	narrow(l.t, l.small, ports)
	to, to6 := netip.MustParseAddrPort("127.0.0.1:80"), netip.MustParseAddrPort("[::1]:80")
	l.serve(l.small, lab.Echo, to, to6)
	w := work{name: "exhauster", to: []netip.AddrPort{to}, closedBy: event.Local}
	for _, dst := range []netip.AddrPort{to6, to} {
		w.job = lab.Client{To: []netip.AddrPort{dst}, Count: tries, Talk: true, List: true}
		r := run(l.t, l.small, w.name, &w.job)
		if r.ConnectErrors["EADDRNOTAVAIL"] != tries-ports {
			l.t.Fatalf("%s: %+v", w.name, r)
		}
		l.addResult(w, r)
	}
	l.bindFails(l.small, "binder", netip.MustParseAddrPort("127.0.0.1:0"), event.EADDRINUSE, event.RangeExhausted)
	listener := run(l.t, l.small, "listener", &lab.Binder{Listen: true, Count: fewer(enough, 10)})
	for range listener.ListenErrors["EADDRINUSE"] {
		l.want.add("listen_errno", listener.PID, event.EADDRINUSE, event.RangeExhausted, event.Endpoint{Addr: event.AddrFrom(netip.IPv4Unspecified())})
	}
	l.reuse(w)
}

func (l *load) reuse(w work) {
	noError(l.t, l.small.Sysctl("ipv4/tcp_tw_reuse", "1"))
	time.Sleep(2 * time.Second) // what is tested: buckets must be a second old, and the kernel counts whole seconds
	w.name, w.job.Count = "reuser", fewer(enough, 32)
	r := run(l.t, l.small, w.name, &w.job)
	if r.Succeeded == 0 {
		l.t.Fatalf("%s: %+v", w.name, r)
	}
	l.addResult(w, r)
	for _, try := range r.Tries {
		if try.Op == "" { // there was a bucket before, or the port would not have been free
			l.want.add("reused", ends(endpoint(try.Local), endpoint(try.Remote)))
		}
	}
}

// findBuckets keeps which buckets there are. On an emulated processor the load takes longer than the
// minute after which the first are gone.
func (l *load) findBuckets() {
	for _, n := range l.nets {
		for _, s := range sockets(l.t, n) {
			if kind := bucketKind(s); kind != "" {
				l.buckets[ends(endpoint(s.Local), endpoint(s.Remote))] = kind
			}
		}
	}
}

// addBuckets adds what the kernel has and has had. It reads more than once: /proc/net/tcp leaves a
// socket out where another one has gone while it was read.
func (l *load) addBuckets() {
	for range 3 {
		l.findBuckets()
	}
	for ends, kind := range l.buckets {
		l.want.add("time_wait", ends, kind)
	}
}

// bucketKind returns "" for what is no bucket, or none of ours.
func bucketKind(s lab.TCPSocket) string {
	switch {
	case s.Local.Port() == silentPort, s.Remote.Port() == silentPort:
		return ""
	case s.State == lab.TimeWait:
		return timeWaitBucket
	case s.State == lab.FinWait2 && s.Inode == 0:
		return finWait2Bucket
	}
	return ""
}
