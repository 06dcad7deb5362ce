package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// buckets checks TIME_WAIT of every kind: of ports that connect() chose, that were bound
// before, of accepted connections, and such that still wait for the peer's FIN.
func (c scanMethod) buckets(t *testing.T) {
	const count = 10
	client, server := pair(t)
	closesFirst, neverCloses := at(serverV4, 81), at(serverV4, 82)
	serve(t, server, lab.Echo, serverV4)
	serve(t, server, lab.CloseFirst, closesFirst)
	serve(t, server, lab.NeverClose, neverCloses)
	serve(t, client, lab.Ignore) // a process in it
	early := lab.Socket{Bind: netip.AddrPortFrom(clientV4, 0)}
	results := runAll(t, client, "client",
		&lab.Client{To: []netip.AddrPort{serverV4}, Count: count, Talk: true},
		&lab.Client{To: []netip.AddrPort{serverV4}, Count: count, Talk: true, Socket: early, List: true},
		&lab.Client{To: []netip.AddrPort{closesFirst}, Count: count, AwaitPeer: true},
		&lab.Client{To: []netip.AddrPort{neverCloses}, Count: count, Talk: true})
	for _, r := range results {
		wantCounts(t, r, count, 0)
	}
	eventually(t, "every peer that closes has closed", func() bool {
		return !slices.ContainsFunc(sockets(t, client), func(s lab.TCPSocket) bool {
			return s.State != lab.TimeWait && (s.State != lab.FinWait2 || s.Remote != neverCloses)
		})
	})

	began := monotonic()
	found := c.scan(t, client)
	c.compareProc(t, client, found)
	for _, e := range found {
		if e.State != event.StateTimeWait || e.Expiry <= began || e.Expiry.Sub(began) > time.Minute+leftWithin+c.late() {
			t.Errorf("no bucket: %+v", e)
		}
		if (e.Dst.Port == neverCloses.Port()) != e.Flags.Has(event.FinWait2) {
			t.Errorf("waits for the peer's FIN, or does not: %+v", e)
		}
	}
	owned := slices.DeleteFunc(slices.Clone(found), func(e event.FoundSocket) bool { return !e.Flags.Has(event.OwnedByBind) })
	if want := withPorts(found, results[1].Tries); c.exact && !slices.Equal(owned, want) || len(want) == 0 {
		t.Errorf("owned by bind are\n%+v\nwant\n%+v", owned, want)
	}
	found = c.scan(t, server)
	c.compareProc(t, server, found)
	buckets := 0
	for _, e := range found {
		if e.State == event.StateTimeWait {
			buckets++
		}
		if !e.Flags.Has(event.OwnedByBind) {
			t.Errorf("a port of the server is free: %+v", e)
		}
	}
	if buckets == 0 {
		t.Error("the server closed first, and has no bucket")
	}
}

// socketIn makes a socket of this process in a namespace.
func socketIn(t *testing.T, n *lab.Netns, kind, protocol int) (fd int, file *os.File) {
	t.Helper()
	if protocol == unix.IPPROTO_MPTCP {
		if lacks := withoutMPTCP(); lacks != nil {
			t.Skip(lacks)
		}
	}
	noError(t, n.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, protocol)
		return err
	}))
	file = os.NewFile(uintptr(fd), "socket")
	t.Cleanup(func() { file.Close() })
	return fd, file
}

// scanOne returns the one socket that has this local end.
func (c scanMethod) scanOne(t *testing.T, n *lab.Netns, local netip.AddrPort) event.FoundSocket {
	t.Helper()
	found := c.scan(t, n)
	is := func(e event.FoundSocket) bool { return e.Src.String() == local.String() }
	i := slices.IndexFunc(found, is)
	if i < 0 || slices.ContainsFunc(found[i+1:], is) {
		t.Fatalf("%s is not there once: %+v", local, found)
	}
	return found[i]
}

// options checks socket options, and protocols other than TCP.
func (c scanMethod) options(t *testing.T) {
	const soIPLocalPortRange = 51 // IP_LOCAL_PORT_RANGE of include/uapi/linux/in.h
	client, _ := pair(t)
	serve(t, client, lab.Echo, loopV4)
	us := uint32(os.Getpid())

	t.Run("device", func(t *testing.T) {
		fd, _ := socketIn(t, client, unix.SOCK_STREAM, unix.IPPROTO_TCP)
		noError(t, unix.BindToDevice(fd, "lo"), unix.Bind(fd, lab.Sockaddr(at(loopV4, 0))), unix.Listen(fd, 1))
		e := c.scanOne(t, client, lab.LocalAddr(fd))
		if e.State != event.StateListen || e.Device != 1 || !e.Flags.Has(event.OwnedByBind) || e.Proc.PID != us {
			t.Errorf("listens on a device: %+v", e)
		}
	})
	t.Run("range", func(t *testing.T) {
		want := event.PortRange{Low: 40000, High: 40099}
		fd, _ := socketIn(t, client, unix.SOCK_STREAM, unix.IPPROTO_TCP)
		err := unix.SetsockoptInt(fd, unix.SOL_IP, soIPLocalPortRange, int(want.High)<<16|int(want.Low))
		if errors.Is(err, unix.ENOPROTOOPT) && !kernelAtLeast(t, 6, 3) {
			t.Skipf("IP_LOCAL_PORT_RANGE came with Linux 6.3: %v", err)
		}
		noError(t, err)
		noError(t, unix.Connect(fd, lab.Sockaddr(loopV4)))
		e := c.scanOne(t, client, lab.LocalAddr(fd))
		if !want.Holds(e.Src.Port) || c.exact && e.SocketRange != want || e.Flags.Has(event.OwnedByBind) {
			t.Errorf("has a range of its own: %+v", e)
		}
	})
	t.Run("syn_sent", func(t *testing.T) {
		fd, _ := socketIn(t, client, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
		if err := unix.Connect(fd, lab.Sockaddr(unusedV4)); err != unix.EINPROGRESS {
			t.Fatal(err)
		}
		e := c.scanOne(t, client, lab.LocalAddr(fd))
		if e.State != event.StateSynSent || e.Direction != event.Out || e.Proc.PID != us {
			t.Errorf("waits for an answer: %+v", e)
		}
	})
	t.Run("mptcp", func(t *testing.T) {
		fd, _ := socketIn(t, client, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
		noError(t, unix.Bind(fd, lab.Sockaddr(at(loopV4, 0))), unix.Listen(fd, 1))
		e := c.scanOne(t, client, lab.LocalAddr(fd))
		if e.State != event.StateListen || c.exact && e.Proc.PID != us {
			t.Errorf("listens for MPTCP, process %d: %+v", us, e)
		}
	})
	t.Run("udp", func(t *testing.T) {
		before := len(c.scan(t, client))
		fd, _ := socketIn(t, client, unix.SOCK_DGRAM, unix.IPPROTO_UDP)
		noError(t, unix.Bind(fd, lab.Sockaddr(at(loopV4, 0))))
		if after := len(c.scan(t, client)); after != before {
			t.Errorf("%d sockets, with a UDP one %d", before, after)
		}
	})
}

// holders checks a socket that two processes have open, and then one.
func (c scanMethod) holders(t *testing.T) {
	n := newNetns(t)
	fd, ours := socketIn(t, n, unix.SOCK_STREAM, unix.IPPROTO_TCP)
	noError(t, unix.Bind(fd, lab.Sockaddr(at(loopV4, 0))), unix.Listen(fd, 1))
	local := lab.LocalAddr(fd)
	p, err := n.Spawn("holder", &lab.Holder{For: jobLimit}, ours)
	noError(t, err)
	t.Cleanup(p.Stop)
	counted(t, p)
	us, them := uint32(os.Getpid()), uint32(p.PID())
	if e := c.scanOne(t, n, local); e.Proc.PID != min(us, them) {
		t.Errorf("processes %d and %d hold %+v", us, them, e)
	}
	noError(t, ours.Close())
	if e := c.scanOne(t, n, local); e.Proc.PID != them {
		t.Errorf("process %d alone holds %+v", them, e)
	}
}
