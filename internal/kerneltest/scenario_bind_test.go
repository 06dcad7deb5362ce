package kerneltest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// Results of bind(); failures are also in TestBindFails.
var bindScenarios = []scenario{
	{"SO_REUSEADDR shares a port", plain, func(f *fixture) {
		for range 2 {
			fd := f.tcp(loopV4)
			f.set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			f.bind(fd, at(loopV4, 20000), " reuse_addr")
		}
		f.expectBindFail(f.tcp(loopV4), at(loopV4, 20000), unix.EADDRINUSE, "port_taken")
	}},
	{"SO_REUSEPORT shares a listener's port", plain, func(f *fixture) {
		var fds []int
		for range 2 {
			fd := f.tcp(loopV4)
			f.set(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			f.bind(fd, loopV4, " reuse_port")
			f.listen(fd, loopV4)
			fds = append(fds, fd)
		}
		f.expectBindFail(f.tcp(loopV4), loopV4, unix.EADDRINUSE, "port_taken")
		f.close(fds[0])
		f.dial(loopV4).finish()
	}},
	{"bound twice", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.bind(fd, at(loopV4, 20000), "")
		f.expectBindFail(fd, at(loopV4, 20001), unix.EINVAL, "other")
	}},
	{"bound to the port of a connection", plain, func(f *fixture) {
		c := f.dial(loopV4)
		f.expectBindFail(f.tcp(loopV4), c.local, unix.EADDRINUSE, "port_taken")
		c.finish()
	}},
	{"server is back too early", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.closeInOrder(c.peer, c.fd)
		c.expectPassiveClose()
		f.close(f.listener(loopV4))
		f.expectBindFail(f.tcp(loopV4), loopV4, unix.EADDRINUSE, "port_taken")
	}},
	{"without a port, then with", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.set(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		f.check("binding without a port", unix.Bind(fd, lab.Sockaddr(netip.AddrPortFrom(loopV4.Addr(), 0))))
		f.dialWith(fd, loopV4).finish()
	}},
}
