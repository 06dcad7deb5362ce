package kerneltest

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// A range of ports, as connect() uses it up: an even number is used up exactly.
const (
	firstPort = 32768
	fewPorts  = 4
	lastPort  = firstPort + fewPorts - 1
)

const noPortLeft = "connect_fail EADDRNOTAVAIL range_exhausted"

// Ranges that have no port left, and what a range is.
var rangeLives = []life{
	{"range full of connections", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		conns := w.dialMany(loopV4, fewPorts)
		w.noPort(w.tcp(loopV4), loopV4)
		finishAll(conns)
	}},
	{"range full of bound sockets", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		var bound []int
		for range fewPorts {
			fd := w.tcp(loopV4)
			w.bind(fd, at(loopV4, 0), "")
			bound = append(bound, fd)
		}
		w.noPort(w.tcp(loopV4), loopV4)
		w.close(bound[0])
		w.dial(loopV4).finish()
	}},
	{"range full of TIME_WAIT", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		w.sysctl("ipv4/tcp_tw_reuse", "0")
		finishAll(w.dialMany(loopV4, fewPorts))
		w.noPort(w.tcp(loopV4), loopV4)
		// For bind() each bucket is in the way, for connect() those of the destination.
		w.noBind(w.tcp(loopV4), at(loopV4, 0), unix.EADDRINUSE, "range_exhausted")
		w.dial(at(loopV4, 81)).finish()
	}},
	{"range full for a late port", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		conns := w.dialMany(loopV4, fewPorts)
		fd := w.tcp(loopV4)
		w.set(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		w.check("binding without a port", unix.Bind(fd, lab.Sockaddr(at(loopV4, 0))))
		w.noPort(fd, loopV4)
		finishAll(conns)
	}},
	{"range full when not blocking", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		conns := w.dialMany(loopV4, fewPorts)
		w.noPort(w.socket(w.client, unix.AF_INET, unix.SOCK_NONBLOCK, unix.IPPROTO_TCP), loopV4)
		finishAll(conns)
	}},
	{"range full, then not", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		conns := w.dialMany(loopV4, fewPorts)
		fd := w.tcp(loopV4)
		for range 3 {
			w.noPort(fd, loopV4)
		}
		conns[0].reset(conns[0].fd)
		conns[0].tells("open", "close reset local")
		conns[0].peerTells("close reset remote")
		w.dialBy(fd, loopV4).finish()
		finishAll(conns[1:])
	}},
	{"range without reserved ports", alone, func(w *world) {
		w.narrow(firstPort, lastPort)
		w.sysctl("ipv4/ip_local_reserved_ports", fmt.Sprintf("%d-%d", firstPort, firstPort+1))
		conns := w.dialMany(loopV4, fewPorts-2)
		w.noPort(w.tcp(loopV4), loopV4)
		for _, c := range conns {
			c.inRange(firstPort+2, lastPort)
		}
		finishAll(conns)
	}},
	{"range of the socket", alone, rangeOfSocket},
}

// dialMany makes connections to one server.
func (w *world) dialMany(to netip.AddrPort, count int) []*conn {
	var conns []*conn
	for range count {
		conns = append(conns, w.dial(to))
	}
	return conns
}

func (c *conn) inRange(lo, hi uint16) {
	if port := c.local.Port(); port < lo || port > hi {
		c.check("the port", fmt.Errorf("%d is not one of %d to %d", port, lo, hi))
	}
}

// noPort tries to connect where every port is taken.
func (w *world) noPort(fd int, to netip.AddrPort) {
	w.fails("connecting", unix.Connect(fd, lab.Sockaddr(to)), unix.EADDRNOTAVAIL)
	w.want(w.client, noPortLeft, us("out"), between("-", to))
}

// noBind tries to bind what cannot be bound.
func (w *world) noBind(fd int, to netip.AddrPort, errno unix.Errno, reason string) {
	w.fails("binding", unix.Bind(fd, lab.Sockaddr(to)), errno)
	w.want(w.client, fmt.Sprintf("bind_fail bind %s %s", unix.ErrnoName(errno), reason), us(""), to.String())
	w.close(fd)
}

// rangeOfSocket narrows the range by IP_LOCAL_PORT_RANGE (6.3, and stable kernels).
func rangeOfSocket(w *world) {
	ranged := func() int {
		fd := w.tcp(loopV4)
		w.lack("IP_LOCAL_PORT_RANGE", unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_LOCAL_PORT_RANGE, lastPort<<16|firstPort), 6, 3)
		return fd
	}
	w.narrow(firstPort-100, lastPort+100)
	var conns []*conn
	for range fewPorts {
		c := w.dialBy(ranged(), loopV4)
		c.inRange(firstPort, lastPort)
		conns = append(conns, c)
	}
	w.noPort(ranged(), loopV4)
	w.dial(loopV4).finish()
	finishAll(conns)
}
