package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// holderCase is a call that fails because of a socket.
type holderCase struct {
	name   string
	kind   event.Kind
	port   uint16 // that the call wanted
	pid    int    // of the holder
	state  event.State
	remote netip.AddrPort
}

// A failure names the socket that is in the way: of this process, of a program that has ended,
// from before the start, a connection to itself, or one that a server has accepted.
func TestHolders(t *testing.T) {
	const ports = 32
	lo := netip.MustParseAddr("127.0.0.1")
	local := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(lo, port) }
	low, high := local(8080), local(firstPort+ports-1)
	n := newNetns(t)
	narrow(t, n, ports)
	server := serve(t, n, lab.Echo, low, high)
	w := traceSpaces(t, n)
	w.awaitScans(n)
	if !w.seesBinds() {
		return
	}
	cases := []holderCase{
		{"a listener from before the start, outside the port range", event.BindFail, low.Port(), server.PID(), event.StateListen, netip.AddrPort{}},
		{"one inside", event.BindFail, high.Port(), server.PID(), event.StateListen, netip.AddrPort{}},
	}
	short := run(t, n, "short", &lab.Client{To: []netip.AddrPort{low}, Count: 1, Talk: true, List: true})
	left := short.Tries[0].Local.Port()
	cases = append(cases, holderCase{"TIME_WAIT of a program that has ended", event.BindFail, left, short.PID, event.StateTimeWait, low})
	var held heldPorts
	noError(t, n.Do(func() (err error) {
		held, err = holdPorts(lo, low, left)
		return err
	}))
	self := os.Getpid()
	cases = append(cases,
		holderCase{"an outgoing connection", event.BindFail, held.out.Port(), self, event.StateEstablished, low},
		holderCase{"a connection to itself", event.BindFail, held.self.Port(), self, event.StateEstablished, held.self},
		holderCase{"the same 4-tuple", event.ConnectFail, held.twice.Port(), self, event.StateEstablished, low},
		holderCase{"TIME_WAIT of an accepted connection", event.BindFail, held.served.Port(), self, event.StateTimeWait, held.client},
	)
	noError(t, n.Do(func() error { return failBinds(local, cases) }))
	for _, c := range cases {
		eventually(t, c.name, func() bool { return len(failuresAt(w, n, &c)) > 0 })
		for _, e := range failuresAt(w, n, &c) {
			checkHolder(t, &c, &e)
		}
	}
	checkHeldBy(t, w.snapshot(), cases)
}

// failuresAt returns the failures of a case that have come by now.
func failuresAt(w *spaceTrace, n *lab.Netns, c *holderCase) (list []event.Event) {
	for _, e := range w.received(c.kind, n) {
		if e.Src.Port == c.port && e.Reason != event.RangeExhausted {
			list = append(list, e)
		}
	}
	return list
}

func checkHolder(t *testing.T, c *holderCase, e *event.Event) {
	t.Helper()
	want := event.PortTaken
	if c.kind == event.ConnectFail {
		want = event.TupleTaken
	}
	h := e.Holder
	switch {
	case e.Reason != want:
		t.Errorf("%s: %s %s", c.name, e.Errno, e.Reason)
	case h == nil:
		t.Errorf("%s: no holder", c.name)
	case int(h.Proc.PID) != c.pid || h.State != c.state || h.Local.Port != c.port || c.remote.IsValid() != h.Remote.Known() ||
		c.remote.IsValid() && h.Remote != endpoint(c.remote):
		t.Errorf("%s: held by %d, %s, %s to %s; want %d, %s, to %s", c.name, h.Proc.PID, h.State, h.Local, h.Remote, c.pid, c.state, c.remote)
	case h.State == event.StateTimeWait && (h.Expiry.Sub(e.Time) < 30*time.Second || h.Expiry.Sub(e.Time) > 70*time.Second):
		t.Errorf("%s: free after %s", c.name, h.Expiry.Sub(e.Time))
	case h.State != event.StateTimeWait && h.Expiry != 0:
		t.Errorf("%s: a timer frees it at %d", c.name, h.Expiry)
	}
}

// checkHeldBy compares the rows of failures with the cases.
func checkHeldBy(t *testing.T, s *snapshot.Snapshot, cases []holderCase) {
	t.Helper()
	for _, c := range cases {
		if c.kind == event.ConnectFail {
			continue // its row has the destination, not the port
		}
		found := false
		for i := range s.Failures {
			f := &s.Failures[i]
			found = found || f.Target.Port == c.port && f.HeldBy != nil && int(f.HeldBy.Proc.PID) == c.pid && f.HeldBy.Info.Comm != ""
		}
		if !found {
			t.Errorf("%s: no row of a failure names the holder %d", c.name, c.pid)
		}
	}
}

// heldPorts are the local ends of sockets of this process.
type heldPorts struct{ out, self, twice, served, client netip.AddrPort }

// holdPorts makes sockets that hold ports until the end of the namespace: of connections to a
// server, to itself, and of one that was accepted, closed first, and whose listener is gone.
// None is at the port that is taken.
func holdPorts(lo netip.Addr, server netip.AddrPort, taken uint16) (h heldPorts, err error) {
	out, err := newSocket(lo)
	if err != nil {
		return h, err
	}
	if err := unix.Connect(out, lab.Sockaddr(server)); err != nil {
		return h, err
	}
	h.out = lab.LocalAddr(out)
	port := uint16(firstPort + 20)
	for port == h.out.Port() || port == taken {
		port += 2 // connect() prefers those of the parity of the first
	}
	h.self, err = connectToItself(netip.AddrPortFrom(lo, port))
	if err != nil {
		return h, err
	}
	h.twice = netip.AddrPortFrom(lo, 9000)
	first, err := socketAt(h.twice)
	second, again := socketAt(h.twice)
	if err := errors.Join(err, again, unix.Connect(first, lab.Sockaddr(server))); err != nil {
		return h, err
	}
	if err := unix.Connect(second, lab.Sockaddr(server)); err != unix.EADDRNOTAVAIL {
		return h, errors.Join(err, errors.New("a connection was made twice"))
	}
	h.served = netip.AddrPortFrom(lo, 9100)
	h.client, err = serveOnce(h.served)
	return h, err
}

// connectToItself connects to a port of the range until that is the port it is given.
func connectToItself(to netip.AddrPort) (netip.AddrPort, error) {
	for range 10_000 {
		fd, err := newSocket(to.Addr())
		if err != nil {
			return to, err
		}
		if unix.Connect(fd, lab.Sockaddr(to)) == nil && lab.LocalAddr(fd) == to {
			return to, nil
		}
		if err := unix.Close(fd); err != nil {
			return to, err
		}
	}
	return to, errors.New("no connection to itself")
}

// serveOnce accepts one connection, closes it first, and stops to listen.
func serveOnce(at netip.AddrPort) (client netip.AddrPort, err error) {
	listener, err := socketAt(at)
	if err != nil {
		return client, err
	}
	if err := unix.Listen(listener, 1); err != nil {
		return client, err
	}
	c, err := connectTo(at, listener)
	if err != nil {
		return client, err
	}
	client = lab.LocalAddr(c.out)
	return client, errors.Join(unix.Close(c.in), unix.Close(c.out), unix.Close(listener))
}

// failBinds tries to bind to the ports of the cases, without SO_REUSEADDR.
func failBinds(local func(uint16) netip.AddrPort, cases []holderCase) error {
	for _, c := range cases {
		if c.kind != event.BindFail {
			continue
		}
		fd, err := newSocket(local(0).Addr())
		if err != nil {
			return err
		}
		if err := unix.Bind(fd, lab.Sockaddr(local(c.port))); err != unix.EADDRINUSE {
			return errors.Join(err, errors.New(c.name+": the port is not taken"))
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// The row of a bind() space says which processes hold its ports.
func TestBindSpaceHolders(t *testing.T) {
	const ports, own = 16, 10
	lo := netip.MustParseAddrPort("127.0.0.1:8080")
	n := loopbackNet(t, ports, lo)
	w := traceSpaces(t, n)
	other := spawn(t, n, "other", &lab.Client{To: []netip.AddrPort{lo}, Count: ports - own, Hold: true, Talk: true})
	wantCounts(t, counted(t, other), ports-own, 0)
	noError(t, n.Do(func() error {
		for range own {
			if fd, err := socketAt(at(lo, 0)); err != nil {
				return errors.Join(err, unix.Close(fd))
			}
		}
		return nil
	}))
	noError(t, n.Do(func() error {
		if _, err := socketAt(at(lo, 0)); !errors.Is(err, unix.EADDRINUSE) {
			return errors.Join(err, errors.New("a port was left"))
		}
		return nil
	}))
	if !w.seesBinds() {
		return
	}
	held := map[int]int{}
	w.awaitSnapshot("the bind() space is full", func(s *snapshot.Snapshot) bool {
		for _, p := range spacesOf(s, n) {
			if p.Kind == snapshot.BindSpace && p.Local == event.AddrFrom(lo.Addr()) && p.InUse() == ports {
				held = holders(&p)
				return held[os.Getpid()] == own
			}
		}
		return false
	})
	if held[os.Getpid()] != own || held[other.PID()] != ports-own {
		t.Errorf("held by process: %v", held)
	}
}
