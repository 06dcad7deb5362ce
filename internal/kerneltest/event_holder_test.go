package kerneltest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// inWay is what the kernel and the program itself say of the socket that is in the way of a call.
type inWay struct {
	pid           int
	state         event.State
	local, remote netip.AddrPort
}

// inWayOf is the only socket of a client's Result.
func inWayOf(r lab.Result, state event.State) inWay {
	return inWay{r.PID, state, r.Tries[0].Local, r.Tries[0].Remote}
}

// bindFails binds to an address that is taken, and returns the holder that the failure names.
func (w *spaceTrace) bindFails(n *lab.Netns, addr netip.AddrPort) *event.Holder {
	w.t.Helper()
	r := run(w.t, n, "service", &lab.Binder{Socket: lab.Socket{Bind: addr}, Listen: true})
	if r.BindErrors["EADDRINUSE"] != 1 {
		w.t.Fatalf("%s is not taken: %+v", addr, r)
	}
	return w.awaitFailure(event.BindFail, n, r.PID).Holder
}

// awaitFailure returns the failure of a process.
func (w *spaceTrace) awaitFailure(kind event.Kind, n *lab.Netns, pid int) (failure event.Event) {
	w.t.Helper()
	eventually(w.t, fmt.Sprint("a failure of process ", pid), func() bool {
		for _, e := range w.received(kind, n) {
			if e.Proc.PID == uint32(pid) {
				failure = e
				return true
			}
		}
		return false
	})
	return failure
}

// checkHolder compares a holder with the socket that is in the way, and its end with the timer
// of the kernel.
func checkHolder(t testing.TB, n *lab.Netns, what string, got *event.Holder, want inWay) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no holder is named, want %+v", what, want)
		return
	}
	var remote event.Endpoint
	if want.remote.IsValid() {
		remote = endpoint(want.remote)
	}
	if got.Proc.PID != uint32(want.pid) || got.State != want.state || got.Local != endpoint(want.local) || got.Remote != remote {
		t.Errorf("%s: got %+v, want %+v", what, *got, want)
	}
	left, bucket := time.Duration(0), false
	for _, s := range sockets(t, n) {
		if s.Local == want.local && s.Remote == want.remote && s.Inode == 0 {
			left, bucket = s.Left, s.State == lab.TimeWait || s.State == lab.FinWait2
		}
	}
	if !bucket {
		if got.Expiry != 0 {
			t.Errorf("%s: a process has it, and it ends at %d", what, got.Expiry)
		}
		return
	}
	const step = 5 * time.Second // of the timer wheel, see the package live
	if off := got.Expiry.Sub(monotonic()) - left; off.Abs() > step {
		t.Errorf("%s: it is free in %s, by the kernel in %s", what, got.Expiry.Sub(monotonic()), left)
	}
}

// A bind() that finds its port taken, and a connect() that finds its 4-tuple taken, name the
// socket that has it: as the program reports it that made it, also one that has ended.
func TestHolders(t *testing.T) {
	for name, loop := range map[string]netip.AddrPort{"v4": loopV4, "v6": loopV6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testHolders(t, loop)
		})
	}
}

func testHolders(t *testing.T, loop netip.AddrPort) {
	const ports = 64
	n, one := loopbackNet(t, ports, loop), newNetns(t)
	narrow(t, one, 1)
	inRange, outside := at(loop, firstPort+40), at(loop, 90)
	listener := serve(t, n, lab.Echo, inRange, outside)
	h := holderTrace{traceSpaces(t, n, one)}
	h.needBinds()
	h.awaitScans(n) // no process is in the other one
	for what, addr := range map[string]netip.AddrPort{"a listener in the range": inRange, "a listener outside": outside} {
		want := inWay{listener.PID(), event.StateListen, addr, netip.AddrPort{}}
		h.bindIsRefused(what, n, addr, want)
		h.bindIsRefused(what+", at any address", n, wildcard(addr), want)
	}
	out := h.connected(n, "outgoing", lab.Client{To: []netip.AddrPort{loop}, Hold: true})
	h.bindIsRefused("an outgoing connection", n, out.local, out)
	free := at(loop, firstPort+41)
	bound := spawn(t, n, "bound", &lab.Binder{Socket: lab.Socket{Bind: free}})
	counted(t, bound)
	h.bindIsRefused("a bound port", n, free, inWay{bound.PID(), event.StateBound, free, netip.AddrPort{}})
	h.endedProgram(n, loop)
	h.toItself(n, one, loop)
	h.fourTuple(n, loop)
}

// wildcard is any address of the family, with the same port.
func wildcard(addr netip.AddrPort) netip.AddrPort {
	any := netip.IPv6Unspecified()
	if addr.Addr().Is4() {
		any = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(any, addr.Port())
}

type holderTrace struct{ *spaceTrace }

// bindIsRefused binds to an address of which the holder is known.
func (h *holderTrace) bindIsRefused(what string, n *lab.Netns, addr netip.AddrPort, want inWay) {
	h.t.Helper()
	checkHolder(h.t, n, what, h.bindFails(n, addr), want)
}

// connected starts a client of one connection, which stays open.
func (h *holderTrace) connected(n *lab.Netns, name string, c lab.Client) inWay {
	h.t.Helper()
	c.List, c.Count = true, 1
	r := counted(h.t, spawn(h.t, n, name, &c))
	wantCounts(h.t, r, 1, 0)
	return inWayOf(r, event.StateEstablished)
}

func (h *holderTrace) endedProgram(n *lab.Netns, loop netip.AddrPort) {
	h.t.Helper()
	ended := inWayOf(run(h.t, n, "ended", &lab.Client{To: []netip.AddrPort{loop}, Talk: true, Count: 1, List: true}), event.StateTimeWait)
	h.bindIsRefused("TIME_WAIT of a program that has ended", n, ended.local, ended)
	h.awaitSnapshot("its name in the row of the failure", func(s *snapshot.Snapshot) bool {
		for i := range s.Failures {
			f := &s.Failures[i]
			if f.Netns == n.Inode() && f.Target == endpoint(ended.local) && f.HeldBy != nil && f.HeldBy.Info.Comm == "ended" && f.HeldBy.FreeIn > 0 {
				return true
			}
		}
		return false
	})
}

// toItself has two connections to themselves: one by a connect() in a range of one port, and
// one that was bound.
func (h *holderTrace) toItself(n, one *lab.Netns, loop netip.AddrPort) {
	h.t.Helper()
	chosen := h.connected(one, "itself", lab.Client{To: []netip.AddrPort{at(loop, firstPort)}, Hold: true})
	if chosen.local != chosen.remote {
		h.t.Fatalf("%+v is no connection to itself", chosen)
	}
	h.bindIsRefused("a connection to itself", one, chosen.local, chosen)
	own := at(loop, 91)
	bound := h.connected(n, "itself", lab.Client{Socket: lab.Socket{Bind: own}, To: []netip.AddrPort{own}, Hold: true})
	h.bindIsRefused("one to itself outside the range", n, own, bound)
}

func (h *holderTrace) fourTuple(n *lab.Netns, loop netip.AddrPort) {
	h.t.Helper()
	tuple := lab.Client{Socket: lab.Socket{Bind: at(loop, 45000), ReuseAddr: true}, To: []netip.AddrPort{loop}, Hold: true}
	first := h.connected(n, "first", tuple)
	tuple.Count, tuple.Hold = 1, false
	second := run(h.t, n, "second", &tuple)
	wantCounts(h.t, second, 0, 1)
	checkHolder(h.t, n, "a 4-tuple", h.awaitFailure(event.ConnectFail, n, second.PID).Holder, first)
}

// A server that is started again, without SO_REUSEADDR, finds its port in the buckets of the
// connections that it closed first: inside the range and outside.
func TestHolderOfRestartedServer(t *testing.T) {
	for name, loop := range map[string]netip.AddrPort{"outside": at(loopV4, 90), "inside": at(loopV4, firstPort+40), "v6": at(loopV6, 90)} {
		t.Run(name, func(t *testing.T) {
			const connections = 5
			n := newNetns(t)
			narrow(t, n, 64)
			server := serve(t, n, lab.CloseFirst, loop)
			spawn(t, n, "resident", &lab.Binder{For: jobLimit}) // the errno of a bind() is inferred in a namespace that someone is in
			w := traceSpaces(t, n)
			w.needBinds()
			w.awaitScans(n)
			r := run(t, n, "client", &lab.Client{To: []netip.AddrPort{loop}, Count: connections, AwaitPeer: true, List: true})
			wantCounts(t, r, connections, 0)
			eventually(t, "buckets of the server", func() bool { return inState(t, n, lab.TimeWait) == connections })
			release(t, server)
			got := w.bindFails(n, loop)
			if got == nil {
				t.Fatal("no holder is named")
			}
			want := inWay{server.PID(), event.StateTimeWait, loop, netip.AddrPort{}}
			for _, try := range r.Tries { // any of them: they are of the same moment
				if endpoint(try.Local) == got.Remote {
					want.remote = try.Local
				}
			}
			checkHolder(t, n, "buckets of accepted connections", got, want)
		})
	}
}

// closeAndBind closes a connection and binds to its port as soon as there is a bucket.
func closeAndBind(t *testing.T, n *lab.Netns, to netip.AddrPort) (local netip.AddrPort) {
	t.Helper()
	r, err := connectHere(n, to, 1)
	noError(t, err)
	local = r.Tries[0].Local
	eventually(t, "a bucket", func() bool { return inState(t, n, lab.FinWait2) == 1 })
	noError(t, n.Do(func() error {
		fd, err := newSocket(to.Addr())
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, lab.Sockaddr(local)); err != unix.EADDRINUSE {
			return fmt.Errorf("the port is not taken: %w", err)
		}
		return nil
	}))
	return local
}

// Programs that listen at one port, at an address each, are distinguished: those from before the
// start as well, and one that a listen() in vain came after.
func TestHolderOfSeveralListeners(t *testing.T) {
	const port = 8080
	n := newNetns(t)
	addrs := []netip.AddrPort{at(loopV4, port), netip.MustParseAddrPort("127.0.0.2:8080"), at(loopV6, port)}
	var servers []*lab.Proc
	for _, addr := range addrs {
		servers = append(servers, serve(t, n, lab.Echo, addr))
	}
	w := traceSpaces(t, n)
	w.needBinds()
	w.awaitScans(n)
	late := netip.MustParseAddrPort("127.0.0.3:8080")
	addrs, servers = append(addrs, late), append(servers, serve(t, n, lab.Echo, late))
	check := func(what string) {
		t.Helper()
		for i, addr := range addrs {
			checkHolder(t, n, fmt.Sprint(what, ", ", addr), w.bindFails(n, addr), inWay{servers[i].PID(), event.StateListen, addr, netip.AddrPort{}})
		}
	}
	check("all")
	release(t, servers[len(servers)-1])
	addrs, servers = addrs[:len(addrs)-1], servers[:len(servers)-1]
	w.awaitScans(n)
	check("one has ended")

	if !w.exact("cookie") {
		return // the socket that listens in vain cannot be distinguished
	}
	shared := at(loopV4, 8081)
	noError(t, n.Do(func() error {
		return listenInVain(shared, func() {
			checkHolder(t, n, "a listen() in vain", w.awaitFailure(event.BindFail, n, os.Getpid()).Holder,
				inWay{os.Getpid(), event.StateListen, shared, netip.AddrPort{}})
			checkHolder(t, n, "after it", w.bindFails(n, shared), inWay{os.Getpid(), event.StateListen, shared, netip.AddrPort{}})
		})
	}))
}

// listenInVain has two sockets at an address, of which the first listens, and the second tries to.
func listenInVain(addr netip.AddrPort, then func()) error {
	var fds [2]int
	for i := range fds {
		fd, err := socketAt(addr)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		fds[i] = fd
	}
	if err := unix.Listen(fds[0], 1); err != nil {
		return err
	}
	if err := unix.Listen(fds[1], 1); err != unix.EADDRINUSE {
		return fmt.Errorf("the second listens: %w", err)
	}
	then()
	return nil
}

// What is said to be free in seconds is free then. The failure comes within the time in which
// porttrace waits for the FIN of the connection's peer, and yet after its close.
func TestHolderEnds(t *testing.T) {
	const timeout = 3 * time.Second
	n := newNetns(t)
	narrow(t, n, 64)
	noError(t, n.Sysctl("ipv4/tcp_fin_timeout", "3"))
	serve(t, n, lab.NeverClose, loopV4)
	w := traceSpaces(t, n)
	w.needBinds()
	w.awaitScans(n)
	want := inWay{os.Getpid(), event.StateFinWait2, closeAndBind(t, n, loopV4), loopV4}
	got := w.awaitFailure(event.BindFail, n, os.Getpid()).Holder
	checkHolder(t, n, "FIN_WAIT2", got, want)
	if got == nil || got.Expiry.Sub(monotonic()) > timeout+time.Second {
		t.Fatalf("it is there for %s: %+v", timeout, got)
	}
	var last lab.Result
	eventually(t, "the port is free", func() bool {
		last = run(t, n, "service", &lab.Binder{Socket: lab.Socket{Bind: want.local}})
		return last.Succeeded == 1
	})
	// Later, if the machine is busy, but not before.
	if early := got.Expiry.Sub(monotonic()); early > time.Second {
		t.Errorf("it was free %s before it should", early)
	}
}

// A row of bind() in a full range names who has its ports, with numbers: an open connection, a
// program that has ended, and one that is only bound.
func TestHoldersOfBindSpace(t *testing.T) {
	const live, buckets, bound, ports = 10, 8, 6, 24
	n := loopbackNet(t, ports, loopV4)
	w := traceSpaces(t, n)
	w.needBinds()
	w.awaitScans(n)
	to := []netip.AddrPort{loopV4}
	holder := spawn(t, n, "holder", &lab.Client{To: to, Count: live, Hold: true})
	wantCounts(t, counted(t, holder), live, 0)
	ended := run(t, n, "ended", &lab.Client{To: to, Count: buckets, Talk: true})
	wantCounts(t, ended, buckets, 0)
	binder := spawn(t, n, "binder", &lab.Binder{Socket: lab.Socket{Bind: at(loopV4, 0)}, Count: bound})
	if r := counted(t, binder); r.Succeeded != bound {
		t.Fatalf("%+v", r)
	}
	victim := run(t, n, "victim", &lab.Binder{Socket: lab.Socket{Bind: at(loopV4, 0)}, Count: 3})
	if victim.BindErrors["EADDRINUSE"] != 3 {
		t.Fatalf("%+v", victim)
	}
	want := map[int]snapshot.Holder{
		holder.PID(): {HeldCount: snapshot.HeldCount{Live: live}}, ended.PID: {HeldCount: snapshot.HeldCount{TimeWait: buckets}}, binder.PID(): {HeldCount: snapshot.HeldCount{Bound: bound}},
	}
	s := w.awaitSnapshot("the row of bind()", func(s *snapshot.Snapshot) bool {
		for _, p := range spacesOf(s, n) {
			if p.Kind == snapshot.BindSpace && p.InUse() == ports && len(p.Victims) > 0 {
				return true
			}
		}
		return false
	})
	for _, p := range spacesOf(s, n) {
		if p.Kind != snapshot.BindSpace {
			continue
		}
		for _, h := range p.Holders {
			pid := int(h.Proc.ID.PID)
			if w := want[pid]; h.Live != w.Live || h.TimeWait != w.TimeWait || h.Bound != w.Bound {
				t.Errorf("process %d holds %+v, want %+v", pid, h, w)
			}
			delete(want, pid)
		}
	}
	if len(want) > 0 {
		t.Errorf("not named are %+v", want)
	}
}

// A recording names the same holders as the live run did.
func TestHoldersOfRecording(t *testing.T) {
	n := loopbackNet(t, 64, loopV4)
	var file memory
	source := attach(t, live.Options{ScanInterval: scanInterval})
	needBinds(t, source.Signals())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type result struct {
		snap *snapshot.Snapshot
		err  error
	}
	recorded, shown := make(chan result, 1), make(chan *snapshot.Snapshot, 1)
	go func() {
		snap, _, err := recordTo(ctx, &file, source, pipeline.Options{Snapshots: shown, Every: 50 * time.Millisecond})
		recorded <- result{snap, err}
	}()
	listens := func(s *snapshot.Snapshot) bool { // a scan has found the server
		row := s.Namespace(n.Inode())
		return row != nil && len(row.Servers) > 0
	}
	if awaitSnapshot(ctx, shown, listens) == nil {
		t.Fatal("no scan")
	}
	to := []netip.AddrPort{loopV4}
	out := spawn(t, n, "outgoing", &lab.Client{To: to, Count: 1, Hold: true, List: true})
	held := counted(t, out)
	ended := run(t, n, "ended", &lab.Client{To: to, Count: 1, Talk: true, List: true})
	time.Sleep(200 * time.Millisecond) // that its close has come does not show here
	for _, port := range []netip.AddrPort{held.Tries[0].Local, ended.Tries[0].Local, loopV4} {
		if r := run(t, n, "service", &lab.Binder{Socket: lab.Socket{Bind: port}}); r.BindErrors["EADDRINUSE"] != 1 {
			t.Fatalf("%+v", r)
		}
	}
	time.Sleep(2 * time.Second) // inferred failures come with a survey
	cancel()
	got := <-recorded
	noError(t, got.err)
	names := map[string]event.State{}
	for i := range got.snap.Failures {
		if f := &got.snap.Failures[i]; f.Netns == n.Inode() && f.HeldBy != nil {
			names[f.HeldBy.Info.Comm] = f.HeldBy.State
		}
	}
	want := map[string]event.State{"outgoing": event.StateEstablished, "ended": event.StateTimeWait, "server": event.StateListen}
	if !maps.Equal(names, want) {
		t.Errorf("live, the holders are %v, want %v", names, want)
	}
	again, err := aggregate(t.Context(), file.reader(t), pipeline.Options{})
	noError(t, err)
	own := func(s *snapshot.Snapshot) []snapshot.Failure { // other tests and programs may be at work
		return slices.DeleteFunc(slices.Clone(s.Failures), func(f snapshot.Failure) bool { return f.Netns != n.Inode() })
	}
	if !reflect.DeepEqual(own(again), own(got.snap)) {
		t.Errorf("recorded\n%+v\nlive\n%+v", own(again), own(got.snap))
	}
}

// A service that cannot start because an outgoing connection has its port: the failure names the
// connection as one that this host has opened, open and in TIME_WAIT, and keeps that when it is gone.
func TestOutgoingHolder(t *testing.T) {
	n := loopbackNet(t, 64, loopV4)
	w := traceSpaces(t, n)
	w.needBinds()
	w.awaitScans(n)
	h := holderTrace{w}
	open := h.connected(n, "outgoing", lab.Client{To: []netip.AddrPort{loopV4}, Hold: true})
	ended := inWayOf(run(t, n, "ended", &lab.Client{To: []netip.AddrPort{loopV4}, Talk: true, Count: 1, List: true}), event.StateTimeWait)
	listener := inWay{local: loopV4, state: event.StateListen}
	for _, want := range []inWay{open, ended, listener} {
		outgoing := want.state != event.StateListen
		for _, service := range []lab.Socket{{Bind: want.local}, {Bind: wildcard(want.local), ReuseAddr: true}} { // as servers do
			r := run(t, n, "service", &lab.Binder{Socket: service, Listen: true})
			if r.BindErrors["EADDRINUSE"] != 1 {
				t.Fatalf("%+v: %+v", service, r)
			}
			got := w.awaitFailure(event.BindFail, n, r.PID).Holder
			if got == nil || got.State != want.state || got.Outgoing != outgoing {
				t.Errorf("%+v: %+v, want %+v", service, got, want)
			}
		}
	}
	s := w.awaitSnapshot("a row whose holder was outgoing", func(s *snapshot.Snapshot) bool {
		return slices.ContainsFunc(s.Failures, func(f snapshot.Failure) bool {
			return f.Netns == n.Inode() && f.Target == endpoint(ended.local) && f.HeldBy != nil && f.HeldBy.Outgoing
		})
	})
	if s == nil {
		t.Fatal("no row")
	}
}
