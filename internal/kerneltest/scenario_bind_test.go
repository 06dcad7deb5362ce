package kerneltest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// What bind() is told of; how it fails is in TestBindFails too.
var bindLives = []life{
	{"SO_REUSEADDR shares a port", alone, func(w *world) {
		for range 2 {
			fd := w.tcp(loopV4)
			w.set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			w.bind(fd, at(loopV4, 20000), " reuse_addr")
		}
		w.noBind(w.tcp(loopV4), at(loopV4, 20000), unix.EADDRINUSE, "port_taken")
	}},
	{"SO_REUSEPORT shares a listener's port", alone, func(w *world) {
		var fds []int
		for range 2 {
			fd := w.tcp(loopV4)
			w.set(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			w.bind(fd, loopV4, " reuse_port")
			w.listen(fd, loopV4)
			fds = append(fds, fd)
		}
		w.noBind(w.tcp(loopV4), loopV4, unix.EADDRINUSE, "port_taken")
		w.close(fds[0])
		w.dial(loopV4).finish()
	}},
	{"bound twice", alone, func(w *world) {
		fd := w.tcp(loopV4)
		w.bind(fd, at(loopV4, 20000), "")
		w.noBind(fd, at(loopV4, 20001), unix.EINVAL, "other")
	}},
	{"bound to the port of a connection", alone, func(w *world) {
		c := w.dial(loopV4)
		w.noBind(w.tcp(loopV4), c.local, unix.EADDRINUSE, "port_taken")
		c.finish()
	}},
	{"server is back too early", alone, func(w *world) {
		c := w.dial(loopV4)
		c.release(c.peer, c.fd)
		c.tells("open", "close remote close_wait")
		c.peerTells("close local time_wait")
		w.close(w.listener(loopV4))
		w.noBind(w.tcp(loopV4), loopV4, unix.EADDRINUSE, "port_taken")
	}},
	{"without a port, then with", alone, func(w *world) {
		fd := w.tcp(loopV4)
		w.set(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		w.check("binding without a port", unix.Bind(fd, lab.Sockaddr(netip.AddrPortFrom(loopV4.Addr(), 0))))
		w.dialBy(fd, loopV4).finish()
	}},
}
