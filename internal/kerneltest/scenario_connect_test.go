package kerneltest

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// How connections begin, or do not.
var connectScenarios = []scenario{
	{"refused", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.expectRefused(fd, loopV4)
		f.close(fd)
	}},
	{"refused when not blocking", plain, func(f *fixture) {
		fd := f.startConnect(loopV4)
		f.await(fd, unix.POLLOUT)
		f.failsWith("the connection", f.pendingError(fd), unix.ECONNREFUSED)
		f.newConn(fd, loopV4).expectOut("open", "connect_fail ECONNREFUSED refused")
		f.close(fd)
	}},
	{"refused, then connected", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.expectRefused(fd, loopV4)
		f.dialWith(fd, loopV4).finish() // the socket still knows its last port
	}},
	{"answered late when not blocking", plain, answeredLate},
	{"given up when not blocking", plain, func(f *fixture) {
		c := f.startUnanswered(loopV4)
		c.expectOut("open", "connect_fail given_up")
		f.close(c.fd)
	}},
	{"given up over IPv6", plain, func(f *fixture) {
		c := f.startUnanswered(loopV6)
		c.expectOut("open", "connect_fail given_up")
		f.reset(c.fd)
	}},
	{"given up by shutdown", plain, func(f *fixture) {
		c := f.startUnanswered(loopV4)
		c.expectOut("open", "connect_fail given_up")
		f.check("shutting down", unix.Shutdown(c.fd, unix.SHUT_RDWR))
	}},
	{"given up for another destination", plain, func(f *fixture) {
		c := f.startUnanswered(loopV4)
		c.expectOut("open", "connect_fail given_up")
		f.disconnect(c.fd)
		f.check("blocking again", unix.SetNonblock(c.fd, false))
		f.dialWith(c.fd, at(loopV4, 81)).finish()
	}},
	{"given up from a bound port", plain, func(f *fixture) {
		f.dropPackets(f.listener(loopV4))
		fd := f.socket(f.client, unix.AF_INET, unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
		f.bind(fd, netip.AddrPortFrom(loopV4.Addr(), 20000), "")
		f.failsWith("beginning to connect", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.EINPROGRESS)
		f.newConn(fd, loopV4).expectOut("open early_bind", "connect_fail given_up early_bind")
		f.disconnect(fd)
		f.close(fd)
	}},
	{"given up after the SYN was sent again", plain, func(f *fixture) {
		c := f.startUnanswered(loopV4)
		time.Sleep(synTimeout)
		c.expectOut("open", "syn_unanswered unanswered", "connect_fail given_up unanswered")
		f.close(c.fd)
	}},
	{"from a port that is connected there already", plain, tupleTaken},
	{"without a route from the port that was chosen", overVeth, func(f *fixture) {
		f.check("prohibiting", f.client.ProhibitPorts(firstPort, lastPort))
		f.narrow(firstPort, lastPort)
		for range 2 * fewPorts { // each of them has released its port
			fd := f.tcp(serverV4)
			f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(serverV4)), unix.EACCES)
			f.expect(f.client, noRouteFromPort, thisProcess("out"), between("-", serverV4))
			f.close(fd)
		}
	}},
	{"from a bound port to two servers", plain, func(f *fixture) {
		from := netip.AddrPortFrom(loopV4.Addr(), 20000)
		var conns []*conn
		for _, to := range []netip.AddrPort{loopV4, at(loopV4, 81)} {
			fd := f.tcp(to)
			f.set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			f.bind(fd, from, " reuse_addr")
			conns = append(conns, f.dialWith(fd, to))
		}
		for _, c := range conns {
			c.finish("early_bind")
		}
	}},
	{"from a bound port, refused", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.bind(fd, netip.AddrPortFrom(loopV4.Addr(), 20000), "")
		f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.ECONNREFUSED)
		f.newConn(fd, loopV4).expectOut("open early_bind", "connect_fail ECONNREFUSED refused early_bind")
		f.close(fd)
	}},
	{"to itself, a simultaneous open", plain, func(f *fixture) {
		self := netip.AddrPortFrom(loopV4.Addr(), 20000)
		fd := f.tcp(self)
		f.bind(fd, self, "")
		f.check("connecting", unix.Connect(fd, lab.Sockaddr(self)))
		f.newConn(fd, self).expectOut("open early_bind", "close reset local early_bind")
		f.reset(fd)
	}},
	{"to a connected socket again", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.failsWith("connecting again", unix.Connect(c.fd, lab.Sockaddr(loopV4)), unix.EISCONN)
		c.finish()
	}},
	{"the same addresses in two namespaces", twoNetns, sameTupleTwice},
}

// startConnect begins a connect() that does not block.
func (f *fixture) startConnect(to netip.AddrPort) int {
	fd := f.socket(f.client, domain(to.Addr()), unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	f.failsWith("beginning to connect", unix.Connect(fd, lab.Sockaddr(to)), unix.EINPROGRESS)
	return fd
}

// noRouteFromPort is a connect() that fails between the choice of its port and its SYN.
const noRouteFromPort = "connect_fail EACCES other"

// synTimeout is longer than the kernel waits until it sends a SYN again: a second
// (TCP_TIMEOUT_INIT).
const synTimeout = 1500 * time.Millisecond

// startUnanswered begins a connect() to a listener that gets nothing of it.
func (f *fixture) startUnanswered(to netip.AddrPort) *conn {
	f.dropPackets(f.listener(to))
	return f.newConn(f.startConnect(to), to)
}

// disconnect ends a connection by connect() to no address, tcp_disconnect().
func (f *fixture) disconnect(fd int) {
	sockaddr := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sockaddr)), unsafe.Sizeof(sockaddr))
	if errno != 0 {
		f.check("disconnecting", errno)
	}
}

// tupleTaken connects to the same server from the same port while that has a connection. The
// kernel sends no SYN.
func tupleTaken(f *fixture) {
	from := netip.AddrPortFrom(loopV4.Addr(), 20000)
	bound := func() int {
		fd := f.tcp(loopV4)
		f.set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		f.bind(fd, from, " reuse_addr")
		return fd
	}
	c := f.dialWith(bound(), loopV4)
	second := bound()
	fails := func(fd int) {
		f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.EADDRNOTAVAIL)
		c.expectOut("connect_fail EADDRNOTAVAIL tuple_taken early_bind")
	}
	fails(second)
	fails(second)
	c.finish("early_bind")
	f.dialWith(second, at(loopV4, 81)).finish("early_bind")
}

// answeredLate loses the first SYN. The second goes out a second later in a timer, and is
// answered there: its owner is not running then.
func answeredLate(f *fixture) {
	listener := f.listener(loopV4)
	f.dropPackets(listener)
	fd := f.startConnect(loopV4)
	f.failsWith("connecting again", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.EALREADY)
	f.stopDropping(listener)
	f.await(fd, unix.POLLOUT)
	f.check("the connection", f.pendingError(fd))
	c := f.accepted(fd, loopV4, listener)
	c.expectOut("syn_unanswered unanswered")
	c.finish()
}

// sameTupleTwice makes the same 4-tuple in both namespaces at the same time, which end
// in different ways.
func sameTupleTwice(f *fixture) {
	from := netip.AddrPortFrom(loopV4.Addr(), 20000)
	var conns []*conn
	for _, n := range f.nets() {
		f.inNetns(n, func() {
			fd := f.tcp(loopV4)
			f.bind(fd, from, "")
			conns = append(conns, f.dialWith(fd, loopV4))
		})
	}
	conns[0].finish("early_bind")
	conns[1].reset(conns[1].peer)
	conns[1].expectOut("open early_bind", "close reset remote early_bind")
	conns[1].expectIn("close reset local")
}
