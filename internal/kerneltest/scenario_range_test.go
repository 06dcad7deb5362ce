package kerneltest

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// A range of ports: connect() uses up an even number exactly.
const (
	firstPort = 32768
	fewPorts  = 4
	lastPort  = firstPort + fewPorts - 1
)

const noPortLeft = "connect_fail EADDRNOTAVAIL range_exhausted"

// Port ranges, and ranges that have no port left.
var rangeScenarios = []scenario{
	{"range full of connections", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		conns := f.dialMany(loopV4, fewPorts)
		f.expectNoPort(f.tcp(loopV4), loopV4)
		finishAll(conns)
	}},
	{"range full of bound sockets", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		var bound []int
		for range fewPorts {
			fd := f.tcp(loopV4)
			f.bind(fd, at(loopV4, 0), "")
			bound = append(bound, fd)
		}
		f.expectNoPort(f.tcp(loopV4), loopV4)
		f.close(bound[0])
		f.dial(loopV4).finish()
	}},
	{"range full of TIME_WAIT", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		f.sysctl("ipv4/tcp_tw_reuse", "0")
		finishAll(f.dialMany(loopV4, fewPorts))
		f.expectNoPort(f.tcp(loopV4), loopV4)
		// Each bucket keeps its port from bind(), from connect() only to the same destination.
		f.expectBindFail(f.tcp(loopV4), at(loopV4, 0), unix.EADDRINUSE, "range_exhausted")
		f.dial(at(loopV4, 81)).finish()
	}},
	{"range full for a late port", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		conns := f.dialMany(loopV4, fewPorts)
		fd := f.tcp(loopV4)
		f.set(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		f.check("binding without a port", unix.Bind(fd, lab.Sockaddr(at(loopV4, 0))))
		f.expectNoPort(fd, loopV4)
		finishAll(conns)
	}},
	{"range full when not blocking", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		conns := f.dialMany(loopV4, fewPorts)
		f.expectNoPort(f.socket(f.client, unix.AF_INET, unix.SOCK_NONBLOCK, unix.IPPROTO_TCP), loopV4)
		finishAll(conns)
	}},
	{"range full, then not", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		conns := f.dialMany(loopV4, fewPorts)
		fd := f.tcp(loopV4)
		for range 3 {
			f.expectNoPort(fd, loopV4)
		}
		conns[0].reset(conns[0].fd)
		conns[0].expectReset("local", "remote")
		f.dialWith(fd, loopV4).finish()
		finishAll(conns[1:])
	}},
	{"range without reserved ports", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		f.sysctl("ipv4/ip_local_reserved_ports", fmt.Sprintf("%d-%d", firstPort, firstPort+1))
		conns := f.dialMany(loopV4, fewPorts-2)
		f.expectNoPort(f.tcp(loopV4), loopV4)
		for _, c := range conns {
			c.checkPort(firstPort+2, lastPort)
		}
		finishAll(conns)
	}},
	{"range of the socket", plain, rangeOfSocket},
}

// dialMany makes connections to one server.
func (f *fixture) dialMany(to netip.AddrPort, count int) []*conn {
	var conns []*conn
	for range count {
		conns = append(conns, f.dial(to))
	}
	return conns
}

func (c *conn) checkPort(lo, hi uint16) {
	if port := c.local.Port(); port < lo || port > hi {
		c.check("the port", fmt.Errorf("%d is not one of %d to %d", port, lo, hi))
	}
}

// expectNoPort connects while every port is taken.
func (f *fixture) expectNoPort(fd int, to netip.AddrPort) {
	f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(to)), unix.EADDRNOTAVAIL)
	f.expect(f.client, noPortLeft, thisProcess("out"), between("-", to))
}

// expectBindFail binds what cannot be bound.
func (f *fixture) expectBindFail(fd int, to netip.AddrPort, errno unix.Errno, reason string) {
	f.failsWith("binding", unix.Bind(fd, lab.Sockaddr(to)), errno)
	f.expect(f.client, fmt.Sprintf("bind_fail bind %s %s", unix.ErrnoName(errno), reason), thisProcess(""), to.String())
	f.close(fd)
}

// rangeOfSocket narrows the range by IP_LOCAL_PORT_RANGE (6.3, and stable kernels).
func rangeOfSocket(f *fixture) {
	ranged := func() int {
		fd := f.tcp(loopV4)
		f.requires("IP_LOCAL_PORT_RANGE", unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_LOCAL_PORT_RANGE, lastPort<<16|firstPort), 6, 3)
		return fd
	}
	f.narrow(firstPort-100, lastPort+100)
	var conns []*conn
	for range fewPorts {
		c := f.dialWith(ranged(), loopV4)
		c.checkPort(firstPort, lastPort)
		conns = append(conns, c)
	}
	f.expectNoPort(ranged(), loopV4)
	f.dial(loopV4).finish()
	finishAll(conns)
}
