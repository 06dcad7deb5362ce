package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// MPTCP sockets change state beside the TCP sockets that carry them: only those have
// ports, and only those are told.
var mptcpLives = []life{
	{"MPTCP to a TCP server", alone, func(w *world) {
		fd := w.mptcp(w.client, loopV4)
		w.dialBy(fd, loopV4).finish()
	}},
	{"MPTCP to an MPTCP server", inhabited, func(w *world) {
		w.mptcpListener(loopV4)
		w.dialBy(w.mptcp(w.client, loopV4), loopV4).finishMPTCP()
	}},
	{"MPTCP with two subflows", linked | inhabited, twoSubflows},
	{"TCP to an MPTCP server", alone, func(w *world) {
		w.mptcpListener(loopV4)
		w.dial(loopV4).finish()
	}},
	{"MPTCP refused", alone, func(w *world) {
		fd := w.mptcp(w.client, loopV4)
		w.fails("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.ECONNREFUSED)
		w.connOf(fd, loopV4).tells("open", "connect_fail ECONNREFUSED refused")
	}},
	{"MPTCP finds no route", alone, func(w *world) {
		w.fails("connecting", unix.Connect(w.mptcp(w.client, loopV4), lab.Sockaddr(unusedV4)), unix.ENETUNREACH)
		w.want(w.client, "connect_fail ENETUNREACH unreachable", us("out"), between("-", unusedV4))
	}},
}

// finishMPTCP ends a connection in the kernel's own way: it closes the subflows when both
// ends have closed, in a worker of each end. So one is as early as the other.
func (c *conn) finishMPTCP() {
	c.loose = true
	c.close(c.fd)
	c.read(c.peer)
	c.close(c.peer)
	c.tells("open", "close")
	c.peerTells("close")
}

// twoSubflows has the kernel connect once more, from another address, once the connection
// is there.
func twoSubflows(w *world) {
	second := netip.MustParsePrefix("10.1.0.3/24")
	w.mptcpListener(serverV4)
	w.check("adding an address", w.client.AddAddr("lab1", second))
	w.check("limits", errors.Join(w.client.AllowSubflows(1), w.server.AllowSubflows(1)))
	w.check("the second subflow", w.client.AddSubflow(second.Addr()))
	c := w.dialBy(w.mptcp(w.client, serverV4), serverV4)
	c.write(c.fd) // once it is acknowledged, the server is known to speak MPTCP
	c.read(c.peer)
	other := w.secondSubflow(second.Addr())
	other.owner = inKernel
	w.want(w.client, "bind", fmt.Sprint(" ", inKernel), other.local.String())
	other.tells("open", "close")
	other.peerTells("close")
	c.finishMPTCP()
}

// mptcp is a socket of a namespace, if the kernel is built with MPTCP.
func (w *world) mptcp(n *lab.Netns, to netip.AddrPort) int {
	if _, err := os.Stat("/proc/sys/net/mptcp/enabled"); err != nil {
		w.lacks = "this kernel has no MPTCP: " + err.Error()
		return -1
	}
	w.check("sysctl", n.Sysctl("mptcp/enabled", "1"))
	return w.socket(n, domain(to.Addr()), 0, unix.IPPROTO_MPTCP)
}

// mptcpListener makes the server's listener for an address an MPTCP one.
func (w *world) mptcpListener(at netip.AddrPort) {
	fd := w.mptcp(w.server, at)
	w.hidden = true
	w.check("binding", unix.Bind(fd, lab.Sockaddr(at)))
	w.listen(fd, at)
	w.want(w.server, "bind", us(""), at.String())
}

// secondSubflow waits for what the kernel connects from that address, and tells of it.
func (w *world) secondSubflow(from netip.Addr) *conn {
	c := w.connOf(-1, serverV4)
	for deadline := time.Now().Add(patience); w.err == nil; time.Sleep(5 * time.Millisecond) {
		all, err := w.client.TCPSockets()
		w.check("looking for subflows", err)
		for _, s := range all {
			if s.Local.Addr() == from && s.State == lab.Established {
				c.local = s.Local
				return c
			}
		}
		if time.Now().After(deadline) {
			w.check("waiting for a subflow", unix.ETIMEDOUT)
		}
	}
	return c
}
