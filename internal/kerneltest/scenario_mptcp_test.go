package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// MPTCP sockets change state beside the TCP sockets that carry them: only those have
// ports, and only those are reported.
var mptcpScenarios = []scenario{
	{"MPTCP to a TCP server", plain, func(f *fixture) {
		fd := f.mptcp(f.client, loopV4)
		f.dialWith(fd, loopV4).finish()
	}},
	{"MPTCP to an MPTCP server", withProcess, func(f *fixture) {
		f.mptcpListener(loopV4)
		f.dialWith(f.mptcp(f.client, loopV4), loopV4).finishMPTCP()
	}},
	{"MPTCP with two subflows", overVeth | withProcess, twoSubflows},
	{"TCP to an MPTCP server", plain, func(f *fixture) {
		f.mptcpListener(loopV4)
		f.dial(loopV4).finish()
	}},
	{"MPTCP refused", plain, func(f *fixture) {
		fd := f.mptcp(f.client, loopV4)
		f.expectRefused(fd, loopV4)
	}},
	{"MPTCP finds no route", plain, func(f *fixture) {
		f.failsWith("connecting", unix.Connect(f.mptcp(f.client, loopV4), lab.Sockaddr(unusedV4)), unix.ENETUNREACH)
		f.expect(f.client, "connect_fail ENETUNREACH unreachable", thisProcess("out"), between("-", unusedV4))
	}},
}

// finishMPTCP closes both ends. The kernel closes the subflows after that, in a worker of each
// end, so that either can be first.
func (c *conn) finishMPTCP() {
	c.orderUnknown = true
	c.close(c.fd)
	c.read(c.peer)
	c.close(c.peer)
	c.expectOut("open", "close")
	c.expectIn("close")
}

// twoSubflows has the kernel connect once more, from another address, once the connection
// is there.
func twoSubflows(f *fixture) {
	second := netip.MustParsePrefix("10.1.0.3/24")
	f.mptcpListener(serverV4)
	f.check("adding an address", f.client.AddAddr("lab1", second))
	f.check("limits", errors.Join(f.client.AllowSubflows(1), f.server.AllowSubflows(1)))
	f.check("the second subflow", f.client.AddSubflow(second.Addr()))
	c := f.dialWith(f.mptcp(f.client, serverV4), serverV4)
	c.write(c.fd) // once it is acknowledged, the server is known to speak MPTCP
	c.read(c.peer)
	other := f.secondSubflow(second.Addr())
	other.owner = inKernel
	f.expect(f.client, "bind", fmt.Sprint(" ", inKernel), other.local.String())
	other.expectOut("open", "close")
	other.expectIn("close")
	c.finishMPTCP()
}

// mptcp makes a socket of a namespace, if the kernel is built with MPTCP.
func (f *fixture) mptcp(n *lab.Netns, to netip.AddrPort) int {
	if lacks := withoutMPTCP(); lacks != nil {
		f.unsupported = lacks.Error()
		return -1
	}
	f.check("sysctl", n.Sysctl("mptcp/enabled", "1"))
	return f.socket(n, domain(to.Addr()), 0, unix.IPPROTO_MPTCP)
}

// withoutMPTCP returns why this kernel has no MPTCP: it does not know the protocol. Anything
// else that fails is a failure of the test.
func withoutMPTCP() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
	if err == nil {
		unix.Close(fd)
	}
	if !errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil
	}
	return fmt.Errorf("this kernel has no MPTCP: %w", err)
}

// mptcpListener makes the server's listener for an address an MPTCP one.
func (f *fixture) mptcpListener(at netip.AddrPort) {
	fd := f.mptcp(f.server, at)
	f.noSysExit = true
	f.check("binding", unix.Bind(fd, lab.Sockaddr(at)))
	f.listen(fd, at)
	f.expect(f.server, "bind", thisProcess(""), at.String())
}

// secondSubflow waits for what the kernel connects from an address.
func (f *fixture) secondSubflow(from netip.Addr) *conn {
	c := f.newConn(-1, serverV4)
	f.awaitThat("the second subflow", func() bool {
		all, err := f.client.TCPSockets()
		f.check("reading the sockets", err)
		i := slices.IndexFunc(all, func(s lab.TCPSocket) bool { return s.Local.Addr() == from && s.State == lab.Established })
		if i >= 0 {
			c.local = all[i].Local
		}
		return i >= 0
	})
	return c
}
